"""Distances from some pixels of a mask to its edge, without those of all others."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

__all__ = ['measure_radii']

REACHES = (
    0,
    8,
    16,
    32,
    64,
    128,
)  # rings around a joint that are looked at in turn, in px
_AT_ONCE = 200_000  # pixels


def measure_radii(
    mask: NDArray[np.uint8], cells: NDArray[np.int64]
) -> NDArray[np.float32]:
    """Mask (H, W), pixels of it (R, 2) as x, y -> (R,) distance to the nearest 0, in px.

    What ``cv2.distanceTransform(mask, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)`` has there; it
    measures every pixel, and a person has few joints. NaN for a mask without 0.

    Example:
        >>> mask = np.uint8([[0, 0, 0, 0], [0, 1, 1, 1], [0, 1, 1, 1]])
        >>> measure_radii(mask, np.array([[3, 2], [1, 1], [0, 0]]))
        array([2., 1., 0.], dtype=float32)
    """
    import cv2

    radii = np.full(len(cells), np.nan, np.float32)
    flat, (height, width) = mask.ravel(), mask.shape
    left = np.arange(len(cells))
    for low, reach in zip((-1, *REACHES), REACHES, strict=False):
        x, y, distances = _list_ring(low, reach)
        rows = max(1, _AT_ONCE // len(x))
        for start in range(0, len(left), rows):
            chunk = left[start : start + rows]
            # Beyond the mask is no edge. A pixel there is read as the nearest one inside,
            # which has had its turn: it is nearer to the joint.
            at = np.clip(cells[chunk, 1, None] + y, 0, height - 1) * width
            at += np.clip(cells[chunk, 0, None] + x, 0, width - 1)
            are_edge = flat[at] == 0
            first = are_edge.argmax(1)
            found = are_edge[np.arange(len(first)), first]
            radii[chunk[found]] = distances[first[found]]
        left = left[np.isnan(radii[left])]
    if len(left) and not mask.all():
        distance = cv2.distanceTransform(mask, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
        radii[left] = distance[cells[left, 1], cells[left, 0]]
    return radii


@cache
def _list_ring(low: int, high: int) -> tuple[NDArray, NDArray, NDArray[np.float32]]:
    """x, y and distance of pixels farther than `low`, up to `high`, nearest first."""
    y, x = np.mgrid[-high : high + 1, -high : high + 1].reshape(2, -1)
    squares = x**2 + y**2
    order = np.argsort(squares, kind='stable')
    far = squares[order] > low**2 if low >= 0 else squares[order] >= 0
    order = order[far & (squares[order] <= high**2)]
    return x[order], y[order], np.sqrt(squares[order]).astype(np.float32)
