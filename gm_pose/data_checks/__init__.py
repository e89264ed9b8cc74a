"""Checks of COCO keypoint files and their images; imports no mm* package."""

from gm_pose.data_checks.annotations import check_annotations
from gm_pose.data_checks.finding import Finding
from gm_pose.data_checks.images import check_images

__all__ = ['Finding', 'check_annotations', 'check_images']
