"""Checks of COCO keypoint files and their images; imports no mm* package."""

from gm_pose.runs.data_checks.finding import Finding
from gm_pose.runs.data_checks.images import check_images
from gm_pose.runs.data_checks.people import check_annotations

__all__ = ['Finding', 'check_annotations', 'check_images']
