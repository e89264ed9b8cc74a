"""What is wrong with boxes and areas: table of annotations -> indices of those."""

from __future__ import annotations

import numpy as np

from gm_pose.runs.data_checks.annotation_table import AnnotationTable, Flags, Indices
from gm_pose.runs.data_checks.explanations import explain_area, explain_box
from gm_pose.runs.data_checks.rule import Level, rule

__all__ = [
    'areas_not_finite',
    'areas_of_nothing',
    'boxes_beyond_image',
    'boxes_not_finite',
    'boxes_of_nothing',
    'boxes_outside_image',
    'malformed_areas',
    'malformed_boxes',
]


@rule(
    'areas that are no number',
    'MMPose cannot read them',
    Level.REFUSED,
    explain=explain_area,
)
def malformed_areas(table: AnnotationTable) -> Indices:
    """Areas that are no number."""
    return table.areas.wrong


@rule(
    'boxes that are not four numbers',
    'training stops',
    Level.REFUSED,
    explain=explain_box,
)
def malformed_boxes(table: AnnotationTable) -> Indices:
    """Boxes that are not four numbers."""
    return table.boxes.wrong


@rule(
    'boxes with NaN or infinity', 'training stops', Level.HARMFUL, explain=explain_box
)
def boxes_not_finite(table: AnnotationTable) -> Indices:
    """NaN or infinity."""
    return table.boxes.at[~_are_finite(table)]


@rule('boxes of no size', 'MMPose drops the person silently', Level.HARMFUL)
def boxes_of_nothing(table: AnnotationTable) -> Indices:
    """A width or height of 0 or below."""
    return table.boxes.at[_are_finite(table) & _are_empty(table)]


@rule('boxes outside the image', 'MMPose drops the person silently', Level.HARMFUL)
def boxes_outside_image(table: AnnotationTable) -> Indices:
    """Nothing of the box is in the image."""
    return table.boxes.at[_are_outside(table)]


@rule('boxes partly outside the image', 'MMPose clips them', Level.NOTED)
def boxes_beyond_image(table: AnnotationTable) -> Indices:
    """Part of the box is in the image, part is not.

    COCO rounds to 0.01 px, and its masks may end one px beyond.
    """
    box = table.boxes.values
    size = table.image_sizes[table.boxes.at]
    with np.errstate(invalid='ignore'):
        beyond = (box[:, :2] < -1) | (box[:, :2] + box[:, 2:] > size + 1)
    rest = _are_finite(table) & ~_are_empty(table) & ~_are_outside(table)
    return table.boxes.at[beyond.any(1) & rest]


@rule(
    'areas of NaN or infinity',
    'their OKS is 0: AP falls',
    Level.HARMFUL,
    explain=explain_area,
)
def areas_not_finite(table: AnnotationTable) -> Indices:
    """NaN or infinity."""
    return table.areas.at[~np.isfinite(table.areas.values[:, 0])]


@rule('areas of 0 or below', 'their OKS is 0: AP falls', Level.HARMFUL)
def areas_of_nothing(table: AnnotationTable) -> Indices:
    """0 or below."""
    return table.areas.at[table.areas.values[:, 0] <= 0]


def _are_finite(table: AnnotationTable) -> Flags:
    return np.asarray(np.isfinite(table.boxes.values).all(1))


def _are_empty(table: AnnotationTable) -> Flags:
    return np.asarray((table.boxes.values[:, 2:] <= 0).any(1))


def _are_outside(table: AnnotationTable) -> Flags:
    box = table.boxes.values
    size = table.image_sizes[table.boxes.at]
    with np.errstate(invalid='ignore'):
        outside = (box[:, :2] >= size - 1) | (box[:, :2] + box[:, 2:] <= 0)
    return _are_finite(table) & ~_are_empty(table) & outside.any(1)
