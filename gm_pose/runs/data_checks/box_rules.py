"""What is wrong with boxes and areas: table of annotations -> indices of those."""

from __future__ import annotations

import numpy as np

from gm_pose.runs.data_checks.annotation_table import AnnotationTable, Flags, Indices

__all__ = [
    'find_areas_not_finite',
    'find_areas_of_nothing',
    'find_boxes_beyond_image',
    'find_boxes_not_finite',
    'find_boxes_of_nothing',
    'find_boxes_outside_image',
]


def find_boxes_not_finite(table: AnnotationTable) -> Indices:
    """NaN or infinity."""
    return table.boxes.at[~_are_finite(table)]


def find_boxes_of_nothing(table: AnnotationTable) -> Indices:
    """A width or height of 0 or below."""
    return table.boxes.at[_are_finite(table) & _are_empty(table)]


def find_boxes_outside_image(table: AnnotationTable) -> Indices:
    """Nothing of the box is in the image."""
    return table.boxes.at[_are_outside(table)]


def find_boxes_beyond_image(table: AnnotationTable) -> Indices:
    """Part of the box is in the image, part is not.

    COCO rounds to 0.01 px, and its masks may end one px beyond.
    """
    box = table.boxes.values
    size = table.image_sizes[table.boxes.at]
    with np.errstate(invalid='ignore'):
        beyond = (box[:, :2] < -1) | (box[:, :2] + box[:, 2:] > size + 1)
    rest = _are_finite(table) & ~_are_empty(table) & ~_are_outside(table)
    return table.boxes.at[beyond.any(1) & rest]


def find_areas_not_finite(table: AnnotationTable) -> Indices:
    """NaN or infinity."""
    return table.areas.at[~np.isfinite(table.areas.values[:, 0])]


def find_areas_of_nothing(table: AnnotationTable) -> Indices:
    """0 or below."""
    return table.areas.at[table.areas.values[:, 0] <= 0]


def _are_finite(table: AnnotationTable) -> Flags:
    return np.isfinite(table.boxes.values).all(1)


def _are_empty(table: AnnotationTable) -> Flags:
    return (table.boxes.values[:, 2:] <= 0).any(1)


def _are_outside(table: AnnotationTable) -> Flags:
    box = table.boxes.values
    size = table.image_sizes[table.boxes.at]
    with np.errstate(invalid='ignore'):
        outside = (box[:, :2] >= size - 1) | (box[:, :2] + box[:, 2:] <= 0)
    return _are_finite(table) & ~_are_empty(table) & outside.any(1)
