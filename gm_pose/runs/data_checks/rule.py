"""A rule for annotation files, and what breaking it does."""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from gm_pose.runs.data_checks.annotation_table import AnnotationTable, Indices
from gm_pose.runs.data_checks.finding import Finding
from gm_pose.runs.problem import Problem

__all__ = ['Level', 'Rule', 'rule']


class Level(enum.Enum):
    """What breaking a rule does."""

    REFUSED = 'a run does not start'
    HARMFUL = 'training or evaluation is harmed'
    NOTED = 'good to know'


Find = Callable[[AnnotationTable], Indices | list[Any]]
Explain = Callable[[AnnotationTable, Any], Problem]


@dataclass(frozen=True)
class Rule:
    """One fault that annotations can have.

    Args:
        name: the fault, '{K}' standing for the number of keypoints.
        effect: what MMPose makes of it.
        level: what it does to a run.
        find: table -> indices of the annotations that have it, or words for others.
        kind: what `find` gives: 'index' of an annotation, else what its words name.
        explain: the first that was found -> what is wrong; of rules that stop a
            command.
        of_evaluation: whether only files that are evaluated on must keep it.
        count: how many faults, where that is not the number found.
    """

    name: str
    effect: str
    level: Level
    find: Find
    kind: str = 'index'
    explain: Explain | None = None
    count: Callable[[AnnotationTable], int] | None = None
    of_evaluation: bool = False

    def holds_for(self, table: AnnotationTable) -> bool:
        """Whether the run's use of the file needs this rule."""
        return table.use.is_evaluated or not self.of_evaluation

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


def rule(
    name: str,
    effect: str,
    level: Level,
    *,
    kind: str = 'index',
    explain: Explain | None = None,
    count: Callable[[AnnotationTable], int] | None = None,
    of_evaluation: bool = False,
) -> Callable[[Find], Rule]:
    """The function below it finds what breaks a rule: make it that `Rule`."""
    return lambda find: Rule(
        name, effect, level, find, kind, explain, count, of_evaluation
    )
