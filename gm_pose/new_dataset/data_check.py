"""What `check-data` finds, before anything is written."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from gm_pose.new_dataset.keypoint_data import KeypointData
from gm_pose.runs.data_checks import check_annotations, check_images
from gm_pose.runs.data_checks.finding import Finding

__all__ = ['check_data']


def check_data(
    data: KeypointData,
    folder: Path,
    pairs: dict[int, int],
    report: Callable[[int, int], None],
) -> list[Finding]:
    """People and their images -> what is wrong or good to know, without what is not there.

    Args:
        data: all of a file.
        folder: of the images; those of a video's frames are not read.
        pairs: index of a joint to its counterpart's.
        report: called with (images done, images in all).
    """
    findings = check_annotations(
        data.to_coco(),
        len(data.joint_names),
        data.joint_names,
        [(a, b) for a, b in pairs.items() if a < b],
    )
    if not data.frames:
        findings += check_images(data.images, str(folder), report=report)
    return [finding for finding in findings if finding.count]
