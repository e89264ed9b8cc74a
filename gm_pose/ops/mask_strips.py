"""Masks of many people in one image, one below the other: drawn and measured at once."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gm_pose.ops.segmentation_masks import MAX_PX

__all__ = ['Strip', 'draw_strip']


@dataclass(frozen=True)
class Strip:
    """Masks of some of R people.

    Attributes:
        mask: (H, W); around each person's pixels is a ring of zeros, so that the nearest 0
            of a pixel is always the person's own.
        origins: (R, 2) where the image's pixel x, y of 0 lies; less that, pixels of the
            image are pixels of the strip.
        low: (R, 2) first pixel x, y of each one's part of the strip ...
        high: (R, 2) ... and that behind the last.
        are_right: (R,) whose segmentation is known to be polygons without a fault.
        are_drawn: (R,) who is in the mask.
    """

    mask: NDArray[np.uint8]
    origins: NDArray[np.int64]
    low: NDArray[np.int64]
    high: NDArray[np.int64]
    are_right: NDArray[np.bool_]
    are_drawn: NDArray[np.bool_]


def draw_strip(
    segmentations: list[Any], boxes: NDArray[np.float64], wanted: NDArray[np.bool_]
) -> Strip:
    """Segmentations of R people, boxes (R, 4), whom to draw (R,) -> their masks.

    As `draw_mask` draws them. People with run lengths, with polygons that leave their box,
    or with a fault are left to it.

    Example:
        >>> people = [[[1, 1, 3, 1, 3, 2, 1, 2]], [[5, 5, 6, 5, 6, 6]]]
        >>> boxes = np.float64([[1, 1, 2, 1], [5, 5, 1, 1]])
        >>> strip = draw_strip(people, boxes, wanted=np.array([True, False]))
        >>> strip.mask.tolist()
        [[0, 0, 0, 0, 0], [0, 1, 1, 1, 0], [0, 1, 1, 1, 0], [0, 0, 0, 0, 0]]
        >>> strip.are_right.tolist(), strip.are_drawn.tolist()
        ([True, True], [True, False])
    """
    import cv2

    corners = np.floor(boxes[:, :2]).astype(np.int64) - 1
    extents = (np.ceil(boxes[:, 2:]) + 3).astype(np.int64)
    right = np.array([isinstance(s, list) and len(s) > 0 for s in segmentations], bool)
    polygons, owners = _list_polygons(segmentations, right)
    if not _are_pairs(polygons).all():
        right[owners[~_are_pairs(polygons)]] = False
        polygons, owners = _list_polygons(segmentations, right)
    values = _read_numbers(polygons)
    drawn = right & wanted
    if values is None:
        right, drawn = np.zeros_like(right), np.zeros_like(drawn)
        polygons, values = [], np.zeros((0, 2))
        owners = owners[:0]
    lengths = np.array([len(p) // 2 for p in polygons], np.int64)
    of_corner = np.repeat(owners, lengths)
    points = np.round(values - corners[of_corner]).astype(np.int32)
    leaves = ((points < 1) | (points > extents[of_corner] - 2)).any(1)
    drawn[of_corner[leaves]] = False
    heights = np.where(drawn, extents[:, 1], 0)
    tops = np.cumsum(heights) - heights
    width = extents[drawn, 0].max(initial=1)
    mask = np.zeros((max(int(heights.sum()), 1), int(width)), np.uint8)
    points[:, 1] += tops[of_corner].astype(np.int32)
    ends = np.cumsum(lengths)
    chosen = drawn[owners]
    starts, ends = (ends - lengths)[chosen].tolist(), ends[chosen].tolist()
    shown = [points[slice(*ends)] for ends in zip(starts, ends, strict=True)]
    if shown:
        cv2.fillPoly(mask, shown, (1,))
    low = np.stack([np.zeros_like(tops), tops], 1)
    return Strip(mask, corners - low, low, low + extents, right, drawn)


def _list_polygons(
    segmentations: list[Any], chosen: NDArray[np.bool_]
) -> tuple[list[Any], NDArray[np.int64]]:
    """Polygons of those chosen, and whose each is."""
    rows = np.flatnonzero(chosen)
    lists = [segmentations[n] for n in rows]
    return list(chain.from_iterable(lists)), np.repeat(rows, [len(s) for s in lists])


def _are_pairs(polygons: list[Any]) -> NDArray[np.bool_]:
    """Which are lists of pairs, of three or more."""
    if not set(map(type, polygons)) <= {list}:
        polygons = [p if isinstance(p, list) else [] for p in polygons]
    lengths = np.fromiter(map(len, polygons), np.int64, len(polygons))
    return (lengths >= 6) & (lengths % 2 == 0)


def _read_numbers(polygons: list[list]) -> NDArray[np.float64] | None:
    """All corners (n, 2), or None where some are no numbers in reach of an image."""
    numbers = list(chain.from_iterable(polygons))
    if not set(map(type, numbers)) <= {int, float}:
        return None
    try:
        values = np.array(numbers, np.float64)
    except OverflowError:  # an integer of more than 308 digits
        return None
    in_reach = not len(values) or abs(values).max() < MAX_PX  # False for NaN
    return values.reshape(-1, 2) if in_reach else None
