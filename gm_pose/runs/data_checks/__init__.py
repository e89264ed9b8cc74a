"""Checks of COCO keypoint files and their images; imports no mm* package.

``schema`` says which lists and fields a file has, ``annotation_table`` turns it into
columns of numbers, ``rules`` are what the columns must keep.
"""

from gm_pose.runs.data_checks.annotation_table import AnnotationTable
from gm_pose.runs.data_checks.finding import Finding
from gm_pose.runs.data_checks.images import check_images
from gm_pose.runs.data_checks.rules import RULES, check_annotations

__all__ = ['RULES', 'AnnotationTable', 'Finding', 'check_annotations', 'check_images']
