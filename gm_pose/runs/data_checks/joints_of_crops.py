"""Joints in px of crops that were resized, as a network sees them."""

from __future__ import annotations

import numpy as np

from gm_pose.runs.data_checks.people import MIN_JOINTS, People

__all__ = ['describe_crops']

MIN_PEOPLE = 8
STEADIER = 1.3
"""Extents of joints vary so many times less than their parts of the boxes do."""

SAME_PLACE = 0.25
"""Standard deviation of the middles of people's joints, in their typical extent, that stays
below this in crops, whose people all stand in the middle."""

MIN_SPREAD = 0.1  # of the logarithm of box heights: people of one size say nothing


def describe_crops(people: People) -> str | None:
    """What to say where joints are as large in small boxes as in large ones.

    In px of the image, or of the box, joints of a larger person are further apart. In crops
    that were resized to one size they are not. The padding of the crops is not known, so no
    line converts them.
    """
    known = np.isfinite(people.points[..., 0])
    enough = (known.sum(1) >= MIN_JOINTS) & (people.boxes[:, 2:] > 0).all(1)
    if enough.sum() < MIN_PEOPLE:
        return None
    points, heights = people.points[enough], people.boxes[enough, 3]
    if (np.nanmin(points) < -0.25 * np.nanmax(points)) or np.nanmax(points) < 32:
        return None  # from the center, or a part of something
    low, high = np.nanmin(points, 1), np.nanmax(points, 1)
    extents = (high - low)[:, 1]
    if (((low + high) / 2).std(0) > SAME_PLACE * np.median(extents)).any():
        return None
    kept = extents > 0
    if kept.sum() < MIN_PEOPLE:
        return None
    extents, heights = np.log(extents[kept]), np.log(heights[kept])
    if heights.std() < MIN_SPREAD:
        return None
    if STEADIER * extents.std() > (extents - heights).std():
        return None
    width, height = np.nanmax(points, (0, 1))
    return (
        'joints look like px of crops of the boxes, all resized to one size (x up to '
        f'{width:.0f}, y up to {height:.0f}); map them back with the inverse of the '
        'transform that cut the crops'
    )
