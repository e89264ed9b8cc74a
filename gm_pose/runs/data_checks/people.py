"""Joints, boxes and images of the people that have all three, as arrays."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gm_pose.runs.data_checks.annotation_table import (
    AnnotationTable,
    Flags,
    Floats,
    Indices,
)
from gm_pose.runs.data_checks.readings import measure_fit

__all__ = ['MIN_JOINTS', 'NOBODY', 'People', 'get_people', 'get_sample']

SAMPLE = 4000
"""People that are looked at, evenly spaced over the file."""

MIN_JOINTS = 4
"""Fewer joints say little about a box."""

NOBODY: Indices = np.zeros(0, np.int64)


@dataclass(frozen=True)
class People:
    """Some people with joints and boxes: R of them.

    Args:
        at: (R,) their annotations.
        points: (R, K, 2) x, y of joints; NaN where not labelled.
        boxes: (R, 4).
        size: (R, 2) width and height of the image.
    """

    at: Indices
    points: Floats
    boxes: Floats
    size: Floats

    def fit(self, points: Floats, boxes: Floats) -> Floats:
        """(R,) how well they fit each other; NaN for people of few joints."""
        known = np.isfinite(points[..., 0])
        low = np.where(known[..., None], points, np.inf).min(1, initial=np.inf)
        high = np.where(known[..., None], points, -np.inf).max(1, initial=-np.inf)
        with np.errstate(invalid='ignore'):
            fit = measure_fit(low, high, boxes, self.size)
        return np.where(known.sum(1) >= MIN_JOINTS, fit, np.nan)

    def are_far(self) -> Flags:
        """(R,) most labelled joints are outside the box, by a tenth of it and 2 px."""
        start, extent = self.boxes[:, None, :2], self.boxes[:, None, 2:]
        margin = 0.1 * abs(extent) + 2
        known = np.isfinite(self.points[..., 0])
        with np.errstate(invalid='ignore'):
            outside = (self.points < start - margin) | (
                self.points > start + extent + margin
            )
        return (outside.any(2) & known).sum(1) > 0.5 * known.sum(1)


def get_sample(table: AnnotationTable) -> People:
    """About `SAMPLE` of the people, or all of them where there are fewer."""
    if 'sample' not in table.cache:
        step = max(1, len(table) // (2 * SAMPLE))
        table.cache['sample'] = _read_people(table if step == 1 else table.thin(step))
    return table.cache['sample']


def get_people(table: AnnotationTable) -> People:
    """All of them."""
    if 'people' not in table.cache:
        table.cache['people'] = _read_people(table)
    return table.cache['people']


def _read_people(table: AnnotationTable) -> People:
    """People with a labelled joint, a box and an image."""
    joints, boxes = table.keypoints, table.boxes
    if table.num_keypoints is None:  # rows of any length
        nobody = np.zeros((0, 1, 2))
        return People(NOBODY, nobody, np.zeros((0, 4)), nobody[:, 0])
    at, rows, box_rows = np.intersect1d(
        joints.at, boxes.at, assume_unique=True, return_indices=True
    )
    values = joints.values.reshape(len(joints.at), table.num_keypoints, 3)[rows]
    points = values[..., :2].copy()
    # Converters write (0, 0) for joints that they do not have.
    points[~((values[..., 2] > 0) & np.isfinite(points).all(2) & points.any(2))] = (
        np.nan
    )
    size, box = table.image_sizes[at], boxes.values[box_rows]
    keep = np.isfinite(points).any((1, 2)) & np.isfinite(box).all(1)
    keep &= (size >= 8).all(1)
    return People(at[keep], points[keep], box[keep], size[keep])
