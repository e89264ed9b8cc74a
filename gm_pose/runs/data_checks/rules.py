"""The rules for annotation files, each with what breaking it does.

`check-data` lists them all, a run is refused where one of level REFUSED is broken, and
`estimate-sigmas` asks for those of the fields that it measures.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from gm_pose.runs.data_checks import (
    area_rules,
    box_rules,
    explanations,
    keypoint_rules,
    people_rules,
)
from gm_pose.runs.data_checks.annotation_table import (
    AnnotationTable,
    Indices,
    guess_keypoint_count,
)
from gm_pose.runs.data_checks.finding import Finding
from gm_pose.runs.data_checks.json_file import no_garbage_collection
from gm_pose.runs.problem import Problem

__all__ = ['RULES', 'Level', 'Rule', 'check_annotations', 'find_refusal']


class Level(enum.Enum):
    """What breaking a rule does."""

    REFUSED = 'a run does not start'
    HARMFUL = 'training or evaluation is harmed'
    NOTED = 'good to know'


Explain = Callable[[AnnotationTable, int], Problem]


@dataclass(frozen=True)
class Rule:
    """One fault that annotations can have.

    Args:
        name: the fault, '{K}' standing for the number of keypoints.
        effect: what MMPose makes of it.
        level: what it does to a run.
        find: table -> indices of the annotations that have it, or words for others.
        kind: what `find` gives: 'index' of an annotation, else what its words name.
        explain: an annotation that has it -> what is wrong; for rules of level REFUSED.
        count: how many faults, where that is not the number found.
    """

    name: str
    effect: str
    level: Level
    find: Callable[[AnnotationTable], Indices | list[Any]]
    kind: str = 'index'
    explain: Explain | None = None
    count: Callable[[AnnotationTable], int] | None = None

    def apply(self, table: AnnotationTable) -> Finding:
        """Table -> how often, and where."""
        found = list(self.find(table))
        name = self.name.format(K=table.num_keypoints)
        finding = Finding(name, self.effect, self.level is not Level.NOTED)
        if self.kind == 'index':
            finding.add([table.entries[index]['id'] for index in found], 'id')
        else:
            finding.add(found, self.kind)
        if self.count is not None:
            finding.count = self.count(table)
        return finding


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
    Rule('duplicated annotation ids', 'one hides the other', HARMFUL,
         people_rules.find_repeated_ids, 'id'),
    Rule('duplicated image ids', 'one hides the other', HARMFUL,
         people_rules.find_repeated_images, 'image'),
    Rule('annotations of unknown images', 'MMPose stops', REFUSED,
         people_rules.find_unknown_images, explain=explanations.explain_image),
    NOBODY,
    BOXES,
    FINITE_BOXES,
    Rule('boxes of no size', 'MMPose drops the person silently', HARMFUL,
         box_rules.find_boxes_of_nothing),
    Rule('boxes outside the image', 'MMPose drops the person silently', HARMFUL,
         box_rules.find_boxes_outside_image),
    Rule('boxes partly outside the image', 'MMPose clips them', NOTED,
         box_rules.find_boxes_beyond_image),
    AREAS,
    FINITE_AREAS,
    Rule('areas of 0 or below', 'their OKS is 0: AP falls', HARMFUL,
         box_rules.find_areas_of_nothing),
    Rule('people whose area is width x height of the box',
         "COCO's are of masks, about half: AP is not comparable with COCO's", NOTED,
         area_rules.find_areas_of_boxes),
    KEYPOINTS,
    Rule("joints whose name is not the config's", 'a joint is taken for another', HARMFUL,
         keypoint_rules.find_other_names, 'joint'),
    Rule('flip pairs that are no left and right', 'mirrored images train wrong joints',
         HARMFUL, keypoint_rules.find_wrong_flip_pairs, 'joint'),
    Rule('people with NaN or infinite keypoints', 'training stops', HARMFUL,
         keypoint_rules.find_joints_not_finite),
    Rule('people with visibilities that are not 0, 1 or 2',
         'a negative one switches the joint off, others weigh it', HARMFUL,
         keypoint_rules.find_odd_visibilities),
    Rule('labelled joints outside the image', 'their targets are cut', NOTED,
         keypoint_rules.find_joints_outside_image,
         count=keypoint_rules.count_joints_outside_image),
    Rule('people whose num_keypoints is not their number of labelled joints',
         'with 0, MMPose drops the person', NOTED, keypoint_rules.find_miscounted_people),
    Rule('people whose shoulders and hips are crossed', 'left and right may be swapped',
         NOTED, keypoint_rules.find_crossed_people),
    Rule('people without keypoints', 'MMPose drops them silently', NOTED,
         people_rules.find_dropped_people),
    Rule('crowd boxes', 'MMPose drops them silently', NOTED, people_rules.find_crowds),
    Rule('files without a person to train on', 'training stops', HARMFUL,
         people_rules.find_nobody_to_train_on, 'file:'),
)  # fmt: skip


@no_garbage_collection()
def check_annotations(
    data: dict,
    num_keypoints: int | None = None,
    names: Sequence[str] | None = None,
    flip_pairs: Sequence[tuple[int, int]] | None = None,
) -> list[Finding]:
    """Apply every rule -> one finding for each, counts of 0 included.

    Args:
        data: content of a file that `check_lists` accepts.
        num_keypoints: K of the config; by default that of the file's category, or of
            most annotations.
        names: the config's K joint names, compared with the file's.
        flip_pairs: the config's pairs of joints that change places in a mirrored image.
    """
    if num_keypoints is None:
        num_keypoints = guess_keypoint_count(data)
    table = AnnotationTable(data, num_keypoints, (), names, flip_pairs)
    return [rule.apply(table) for rule in RULES]


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
        found = rule.find(table)
        if len(found) and rule.explain is not None:
            index = int(found[0]) if rule.kind == 'index' else 0
            problem = rule.explain(table, index)
            place = path if problem.place == 'it' else f'{path}: {problem.place}'
            return Problem(place, problem.fault, problem.fix)
    return None
