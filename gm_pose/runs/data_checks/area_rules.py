"""Areas that are not COCO's: table of annotations -> indices of those."""

from __future__ import annotations

import numpy as np

from gm_pose.runs.data_checks.annotation_table import (
    AnnotationTable,
    Floats,
    Indices,
)
from gm_pose.runs.data_checks.rule import Level, rule

__all__ = ['areas_of_boxes', 'areas_unlike_boxes']

LEAST, MOST = 0.02, 3
"""Parts of its box that a person may fill: outlines are 0.1 to 0.9 of it, and boxes may be
drawn around more or less than the outline."""


@rule(
    'people whose area is width x height of the box',
    "COCO's are of masks, about half: AP is not comparable with COCO's",
    Level.NOTED,
)
def areas_of_boxes(table: AnnotationTable) -> Indices:
    """People whose area is width x height of their box, if most have that.

    COCO's areas are of masks, about half of the box. OKS divides by the area: with that of
    the box its tolerance is larger, and AP is higher than COCO's would be.

    Boxes are rounded to 0.01 px in COCO's files, areas to whole px^2 in some: they are the
    same up to 0.005 (w + h) + 0.5.
    """
    at, area, size = _pair(table)
    with np.errstate(invalid='ignore', over='ignore'):
        distance = np.abs(area - size.prod(1))
        same = (distance <= 0.005 * size.sum(1) + 0.5) & (area > 0)
    return _take_most(table, at[same])


@rule(
    'people whose area is not that of their box',
    'OKS divides by it: AP is near 0, or near 1',
    Level.HARMFUL,
)
def areas_unlike_boxes(table: AnnotationTable) -> Indices:
    """People whose area cannot be that of their box in px, if most have such.

    Some copies of labelme2coco write 1.0 for all. OKS divides by the area.
    """
    at, area, size = _pair(table)
    box = size.prod(1)
    with np.errstate(invalid='ignore', over='ignore'):
        unlike = (area < LEAST * box) | (area > MOST * box)
        unlike &= (area > 0) & (size > 0).all(1)
    return _take_most(table, at[unlike])


def _pair(table: AnnotationTable) -> tuple[Indices, Floats, Floats]:
    """Annotations that have both: which, area (R,), width and height of the box (R, 2)."""
    boxes, areas = table.boxes, table.areas
    at, of_area, of_box = np.intersect1d(areas.at, boxes.at, return_indices=True)
    return at, areas.values[of_area, 0], boxes.values[of_box, 2:]


def _take_most(table: AnnotationTable, found: Indices) -> Indices:
    return found if 2 * len(found) > len(table.areas.at) else found[:0]
