"""Units of coordinates, known by their range: parts, percent or per mille of the image."""

from __future__ import annotations

import numpy as np

from gm_pose.runs.data_checks.annotation_table import Flags, Floats
from gm_pose.runs.data_checks.readings import SCALES, Scale

__all__ = ['find_scale']

MIN_POINTS = 3
MIN_PEOPLE_PERCENT, MIN_SIDE_PERCENT = 5, 200
"""Percent are pixels of the image's upper left corner: one person may well be there."""

MIN_PEOPLE_MILLE = 12
"""Per mille are pixels of most photographs, too: more evidence is asked for."""


def find_scale(points: Floats, size: Floats) -> Scale | None:
    """Points (R, n, 2) and sizes of their images (R, 2) in px -> the unit, if not px."""
    if not len(points):
        return None
    return next((scale for scale in SCALES if _is_in(scale, points, size)), None)


def _is_in(scale: Scale, points: Floats, size: Floats) -> bool:
    """Whether most people's points are in this unit, and not in px."""
    known = np.isfinite(points[..., 0])
    margin = 0.001 * scale.full
    with np.errstate(invalid='ignore'):
        within = (points >= scale.low - margin) & (points <= scale.full + margin)
    inside = np.asarray((within.all(2) | ~known).all(1))
    if scale.full == 1:  # one pixel: nobody is there
        enough = known.sum() >= MIN_POINTS
        if scale.low:  # around the upper left corner, without a reason in px
            enough &= np.nanmin(points) < -0.05
        return bool(enough and inside.mean() > 0.5)
    if scale.full == 100:
        return _are_percent(points, size, inside)
    return _are_per_mille(points, size, inside)


def _are_percent(points: Floats, size: Floats, inside: Flags) -> bool:
    large = (size > MIN_SIDE_PERCENT).all(1)
    if large.sum() < MIN_PEOPLE_PERCENT or inside[large].mean() < 0.95:
        return False
    reach = np.nanmax(points[large & inside], axis=(0, 1))
    return bool((reach > 40).all())


def _are_per_mille(points: Floats, size: Floats, inside: Flags) -> bool:
    """All within 0..1000 and near both ends, in images that are much larger or smaller.

    In smaller images px would leave them. In larger ones they would keep to the upper left,
    end where 1000 px happen to be, and reach from there to the near edges.
    """
    if len(points) < MIN_PEOPLE_MILLE or inside.mean() < 0.99:
        return False
    low, high = np.nanmin(points, axis=(0, 1)), np.nanmax(points, axis=(0, 1))
    if (high < 800).any():
        return False
    with np.errstate(invalid='ignore'):
        leaves = (points > 1.05 * size[:, None]).any((1, 2))
    if leaves.sum() >= MIN_POINTS and leaves.mean() > 0.1:
        return True
    large = (size > 1250).any(1)
    if large.mean() < 0.9 or (low > 250).any():
        return False
    # The side on which px would end long before the image does.
    longer = np.median(size, 0) > 1600
    return bool(longer.any() and (high[longer] > 850).all())
