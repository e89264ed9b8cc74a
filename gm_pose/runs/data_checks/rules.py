"""The rules for annotation files, in the order in which they are reported.

`check-data` lists them all, a run is refused where one of level REFUSED is broken, and
`estimate-sigmas` asks for those of the fields that it measures.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from gm_pose.runs.data_checks import (
    area_rules,
    box_rules,
    evaluator_rules,
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


RULES: tuple[Rule, ...] = (
    people_rules.repeated_ids,
    people_rules.repeated_images,
    people_rules.image_ids_not_whole,
    people_rules.unknown_images,
    people_rules.nobody_described,
    box_rules.malformed_boxes,
    box_rules.boxes_not_finite,
    box_rules.boxes_of_nothing,
    box_rules.boxes_outside_image,
    box_rules.boxes_beyond_image,
    box_rules.malformed_areas,
    box_rules.areas_not_finite,
    box_rules.areas_of_nothing,
    area_rules.areas_of_boxes,
    area_rules.areas_unlike_boxes,
    keypoint_rules.wrong_counts,
    keypoint_rules.other_names,
    keypoint_rules.wrong_flip_pairs,
    keypoint_rules.joints_not_finite,
    keypoint_rules.unlabelled_nan,
    keypoint_rules.odd_visibilities,
    keypoint_rules.joints_outside_image,
    keypoint_rules.miscounted_people,
    keypoint_rules.crossed_people,
    people_rules.dropped_people,
    people_rules.crowds,
    people_rules.nobody_to_train_on,
    geometry_rules.misread_coordinates,
    geometry_rules.misread_people,
    geometry_rules.misplaced_joints,
    geometry_rules.joints_that_leave,
    standing.upside_down,
    evaluator_rules.areas_missing,
    evaluator_rules.fields_missing,
    evaluator_rules.categories_missing,
    evaluator_rules.unknown_categories,
    evaluator_rules.ids_not_evaluated,
    evaluator_rules.odd_crowds,
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
