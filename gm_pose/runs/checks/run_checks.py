"""The checks of a run, all of them before it writes anything."""

from collections.abc import Callable, Iterable

from gm_pose.runs.checks.annotation_files import check_annotation_files
from gm_pose.runs.checks.codec_agreement import check_codec_agreement
from gm_pose.runs.checks.codec_rules import check_codec_rules
from gm_pose.runs.checks.components import check_components, check_import
from gm_pose.runs.checks.data_files import check_data_files, check_pretrained_files
from gm_pose.runs.checks.detection_files import check_detection_files
from gm_pose.runs.checks.logging_backends import check_logging_backends
from gm_pose.runs.checks.outline import Outline
from gm_pose.runs.checks.settings import check_numbers, check_sections
from gm_pose.runs.checks.shapes import check_heatmap_size, check_keypoint_count
from gm_pose.runs.problem import Problem, ProblemList

__all__ = ['TEST_CHECKS', 'TRAIN_CHECKS', 'Check', 'run_checks']

Check = Callable[[Outline], list[Problem]]

TEST_CHECKS: tuple[Check, ...] = (
    check_import,
    check_sections,
    check_numbers,
    check_codec_agreement,
    check_data_files,
    check_keypoint_count,
    check_components,
    check_logging_backends,
    check_heatmap_size,
    check_codec_rules,
    check_annotation_files,
    check_detection_files,
)
TRAIN_CHECKS: tuple[Check, ...] = (check_pretrained_files, *TEST_CHECKS)


def run_checks(outline: Outline, checks: Iterable[Check]) -> ProblemList:
    """Run every check -> what they found; `ProblemList.add` leaves consequences out."""
    found = ProblemList()
    for check in checks:
        found.add(check(outline))
    return found
