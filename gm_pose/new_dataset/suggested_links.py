"""Links of a skeleton whose file has none."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse.csgraph import minimum_spanning_tree

__all__ = ['suggest_links']

ACROSS = 10.0  # times the cost: no other way is longer


def suggest_links(
    points_px: NDArray[np.float64],
    labelled: NDArray[np.bool_],
    areas_px2: NDArray[np.float64],
    pairs: dict[int, int],
) -> list[tuple[int, int]]:
    """Joints of N people -> links that connect all K with the least change of length.

    A bone keeps its length while the distances between other joints change with the pose:
    a wrist may be near a hip, but not always. The tree has the least sum of the standard
    deviations of lengths, each in sqrt(area), over their means, plus the means themselves.
    Left and right are one: both sides have the mean of their costs, and only counterparts
    are linked across.

    Args:
        points_px: (N, K, 2).
        labelled: (N, K).
        areas_px2: (N,).
        pairs: index of a joint to its counterpart's.

    Returns:
        At most K - 1 pairs; joints that are never labelled with another one have no link.
    """
    count = points_px.shape[1]
    scale = np.sqrt(np.maximum(areas_px2, 1.0))[:, None, None]
    lengths = (
        np.linalg.norm(points_px[:, :, None] - points_px[:, None], axis=-1) / scale
    )
    both = labelled[:, :, None] & labelled[:, None]
    costs = np.zeros((count, count))
    for a in range(count):
        for b in range(a + 1, count):
            values = lengths[both[:, a, b], a, b]
            if len(values):
                mean = max(float(values.mean()), 1e-6)
                costs[a, b] = mean + float(values.std()) / mean + 1e-9
    mirror = [pairs.get(k, k) for k in range(count)]
    costs = np.maximum(costs, costs.T)
    other = costs[np.ix_(mirror, mirror)]
    costs = np.where((costs > 0) & (other > 0), (costs + other) / 2, costs)
    costs[_cross(pairs, count)] *= ACROSS
    tree = minimum_spanning_tree(costs).tocoo()
    found = zip(tree.row.tolist(), tree.col.tolist(), strict=True)
    return sorted((min(a, b), max(a, b)) for a, b in found)


def _cross(pairs: dict[int, int], count: int) -> NDArray[np.bool_]:
    """(K, K): a left joint and a right one that are not each other's counterpart."""
    side = np.zeros(count)
    for a, b in pairs.items():
        side[a] = 1 if a < b else -1
    crosses = side[:, None] * side < 0
    for a, b in pairs.items():
        crosses[a, b] = False
    return crosses
