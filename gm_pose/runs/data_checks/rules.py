"""The rules for annotation files, each with what breaking it does.

`check-data` lists them all, a run is refused where one of level REFUSED is broken, and
`estimate-sigmas` asks for those of the fields that it measures.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from gm_pose.runs.data_checks import (
    area_rules,
    box_rules,
    evaluator_rules,
    explanations,
    geometry_rules,
    keypoint_rules,
    people_rules,
    standing,
)
from gm_pose.runs.data_checks.annotation_table import (
    AnnotationTable,
    guess_keypoint_count,
)
from gm_pose.runs.data_checks.file_use import FileUse
from gm_pose.runs.data_checks.finding import Finding
from gm_pose.runs.data_checks.json_file import no_garbage_collection
from gm_pose.runs.data_checks.rule import Level, Rule
from gm_pose.runs.problem import Problem

__all__ = ['RULES', 'Level', 'Rule', 'check_annotations', 'find_refusal']


REFUSED, HARMFUL, NOTED = Level
NOBODY = Rule(
    'files that describe nobody',
    'training stops',
    REFUSED,
    people_rules.find_nobody_described,
    'file:',
    explanations.explain_nobody,
)
KEYPOINTS = Rule(
    'people whose number of keypoints is not {K}',
    'training stops',
    REFUSED,
    lambda table: table.keypoints.wrong,
    explain=explanations.explain_keypoints,
)
BOXES = Rule(
    'boxes that are not four numbers',
    'training stops',
    REFUSED,
    lambda table: table.boxes.wrong,
    explain=explanations.explain_box,
)
FINITE_BOXES = Rule(
    'boxes with NaN or infinity',
    'training stops',
    HARMFUL,
    box_rules.find_boxes_not_finite,
    explain=explanations.explain_box,
)
AREAS = Rule(
    'areas that are no number',
    'MMPose cannot read them',
    REFUSED,
    lambda table: table.areas.wrong,
    explain=explanations.explain_area,
)
FINITE_AREAS = Rule(
    'areas of NaN or infinity',
    'their OKS is 0: AP falls',
    HARMFUL,
    box_rules.find_areas_not_finite,
    explain=explanations.explain_area,
)

RULES: tuple[Rule, ...] = (
    Rule(
        'duplicated annotation ids',
        'one hides the other',
        HARMFUL,
        people_rules.find_repeated_ids,
        'id',
    ),
    Rule(
        'duplicated image ids',
        'one hides the other',
        HARMFUL,
        people_rules.find_repeated_images,
        'image',
    ),
    Rule(
        'image ids that are no integers',
        'MMPose stops',
        REFUSED,
        people_rules.find_image_ids_not_whole,
        'id',
        explanations.explain_image_id,
    ),
    Rule(
        'annotations of unknown images',
        'MMPose stops',
        REFUSED,
        people_rules.find_unknown_images,
        explain=explanations.explain_image,
    ),
    NOBODY,
    BOXES,
    FINITE_BOXES,
    Rule(
        'boxes of no size',
        'MMPose drops the person silently',
        HARMFUL,
        box_rules.find_boxes_of_nothing,
    ),
    Rule(
        'boxes outside the image',
        'MMPose drops the person silently',
        HARMFUL,
        box_rules.find_boxes_outside_image,
    ),
    Rule(
        'boxes partly outside the image',
        'MMPose clips them',
        NOTED,
        box_rules.find_boxes_beyond_image,
    ),
    AREAS,
    FINITE_AREAS,
    Rule(
        'areas of 0 or below',
        'their OKS is 0: AP falls',
        HARMFUL,
        box_rules.find_areas_of_nothing,
    ),
    Rule(
        'people whose area is width x height of the box',
        "COCO's are of masks, about half: AP is not comparable with COCO's",
        NOTED,
        area_rules.find_areas_of_boxes,
    ),
    Rule(
        'people whose area is not that of their box',
        'OKS divides by it: AP is near 0, or near 1',
        HARMFUL,
        area_rules.find_areas_unlike_boxes,
    ),
    KEYPOINTS,
    Rule(
        "joints whose name is not the config's",
        'a joint is taken for another',
        HARMFUL,
        keypoint_rules.find_other_names,
        'joint',
    ),
    Rule(
        'flip pairs that are no left and right',
        'mirrored images train wrong joints',
        HARMFUL,
        keypoint_rules.find_wrong_flip_pairs,
        'joint',
    ),
    Rule(
        'people with NaN or infinite keypoints',
        'training stops',
        HARMFUL,
        keypoint_rules.find_joints_not_finite,
    ),
    Rule(
        'people with NaN at unlabelled joints',
        'heatmap codecs skip them, others do not',
        NOTED,
        keypoint_rules.find_unlabelled_nan,
    ),
    Rule(
        'people with visibilities that are not 0, 1 or 2',
        'a negative one switches the joint off, others weigh it',
        HARMFUL,
        keypoint_rules.find_odd_visibilities,
    ),
    Rule(
        'labelled joints outside the image',
        'their targets are cut',
        NOTED,
        keypoint_rules.find_joints_outside_image,
        count=keypoint_rules.count_joints_outside_image,
    ),
    Rule(
        'people whose num_keypoints is not their number of labelled joints',
        'with 0, MMPose drops the person',
        NOTED,
        keypoint_rules.find_miscounted_people,
    ),
    Rule(
        'people whose shoulders and hips are crossed',
        'left and right may be swapped',
        NOTED,
        keypoint_rules.find_crossed_people,
    ),
    Rule(
        'people without keypoints',
        'MMPose drops them silently',
        NOTED,
        people_rules.find_dropped_people,
    ),
    Rule('crowd boxes', 'MMPose drops them silently', NOTED, people_rules.find_crowds),
    Rule(
        'files without a person to train on',
        'training and evaluation stop',
        REFUSED,
        people_rules.find_nobody_to_train_on,
        'file:',
        explanations.explain_nobody_kept,
    ),
    Rule(
        'coordinates that look like another format',
        'AP is near 0 after training',
        REFUSED,
        geometry_rules.find_misread_coordinates,
        'file:',
        explanations.explain_misread,
    ),
    Rule(
        'people whose coordinates look like another format',
        'they train wrong joints',
        HARMFUL,
        geometry_rules.find_misread_people,
    ),
    Rule(
        'people whose joints are outside their box',
        'their targets are cut',
        HARMFUL,
        geometry_rules.find_misplaced_joints,
    ),
    Rule(
        'files whose joints are outside their images',
        'they may be those of other sizes',
        HARMFUL,
        geometry_rules.find_joints_that_leave,
        'file:',
    ),
    Rule(
        'files whose people stand on their heads',
        'rows may be counted from the lower edge, or images be turned',
        NOTED,
        standing.find_upside_down,
        'file:',
    ),
    Rule(
        'annotations without an area',
        'evaluation stops, unless use_area=False',
        REFUSED,
        evaluator_rules.find_areas_missing,
        explain=explanations.explain_areas_missing,
        of_evaluation=True,
    ),
    Rule(
        'annotations without keypoints or box',
        'evaluation stops',
        REFUSED,
        evaluator_rules.find_fields_missing,
        explain=explanations.explain_fields_missing,
        of_evaluation=True,
    ),
    Rule(
        'files without the categories of their people',
        'evaluation gives AP -1',
        REFUSED,
        evaluator_rules.find_categories_missing,
        'file:',
        explanations.explain_categories,
        of_evaluation=True,
    ),
    Rule(
        'annotations of unknown categories',
        'they are never scored',
        HARMFUL,
        evaluator_rules.find_unknown_categories,
        of_evaluation=True,
    ),
    Rule(
        'annotation ids that are no integers from 0 to 2^63 - 1',
        'evaluation stops',
        REFUSED,
        evaluator_rules.find_ids_not_evaluated,
        explain=explanations.explain_id,
        of_evaluation=True,
    ),
    Rule(
        'annotations with iscrowd other than 0 and 1',
        'evaluation stops or drops them',
        REFUSED,
        evaluator_rules.find_odd_crowds,
        explain=explanations.explain_crowd,
        of_evaluation=True,
    ),
)


@no_garbage_collection()
def check_annotations(
    data: dict,
    num_keypoints: int | None = None,
    names: Sequence[str] | None = None,
    flip_pairs: Sequence[tuple[int, int]] | None = None,
    use: FileUse | None = None,
) -> list[Finding]:
    """Apply every rule -> one finding for each, counts of 0 included.

    Args:
        data: content of a file that `check_lists` accepts.
        num_keypoints: K of the config; by default that of the file's category, or of
            most annotations.
        names: the config's K joint names, compared with the file's.
        flip_pairs: the config's pairs of joints that change places in a mirrored image.
        use: what a run does with the file; by default all that can be done.
    """
    if use is None:  # CrowdPose has no areas, and MMPose evaluates it without
        use = FileUse(use_area='crowdIndex' not in data['images'][0])
    if num_keypoints is None:
        num_keypoints = guess_keypoint_count(data)
    table = AnnotationTable(data, num_keypoints, (), names, flip_pairs, use)
    return [rule.apply(table) for rule in RULES if rule.holds_for(table)]


@no_garbage_collection()
def find_refusal(
    table: AnnotationTable, path: str, rules: Iterable[Rule] | None = None
) -> Problem | None:
    """The first annotation that breaks a rule -> what is wrong with it, or None.

    Args:
        table: the annotations.
        path: the file's name, for the message.
        rules: by default those of level REFUSED.
    """
    refusing = (rule for rule in RULES if rule.level is Level.REFUSED)
    for rule in refusing if rules is None else rules:
        found = rule.find(table) if rule.holds_for(table) else []
        if len(found) and rule.explain is not None:
            first = int(found[0]) if rule.kind == 'index' else found[0]
            problem = rule.explain(table, first)
            place = path if problem.place == 'it' else f'{path}: {problem.place}'
            return Problem(place, problem.fault, problem.fix)
    return None
