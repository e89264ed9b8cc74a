"""Heatmaps -> mass and second moment about a place, of what stands out of the background.

A map ``h = A exp(-q / 2)``, ``q = (x - c)' S^-1 (x - c)``, less a threshold ``t A``, cut at
zero, is left with these shares of its mass and of its covariance, for any S
(u = q / 2 is exponentially distributed under h, and the cut is at U = -ln t):

    mass:   1 - t - t U
    moment: 1 - t - t U - t U^2 / 2,  divided by that of the mass for the covariance

Dividing by them makes the cut map's moments those of the whole Gaussian.
"""

from functools import lru_cache
from math import log
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gm_pose.ops.array_types import ArrayT, get_namespace
from gm_pose.ops.device_tables import make_table

# Share of the peak that counts as background. What is lower adds nothing, also where it
# covers the whole map; a second mode is seen from this height on, so that what is missed
# is worth less than this share of the expected OKS.
THRESHOLD = 0.1
_U = -log(THRESHOLD)
MASS_SHARE = 1 - THRESHOLD - THRESHOLD * _U
MOMENT_SHARE = (MASS_SHARE - THRESHOLD * _U**2 / 2) / MASS_SHARE

# The part of a map that a border cuts off is taken from its reflection through the joint,
# up to so many of the joint's sigmas.
MIRRORED_SIGMAS = 3.0

# Below this sigma cells show the shape of nothing, see `matched_fit`.
LEAST_SIGMA = 0.6

# A larger value is no map's.
LARGEST = 1e30


def cut_background(
    maps: ArrayT, locations: ArrayT, sigmas: ArrayT
) -> tuple[ArrayT, ArrayT]:
    """Maps (B, K, H, W), places (B, K, 2), sigmas (K,) -> cut maps, peaks (B, K).

    The peak is that of the Gaussian, which lies between cells: the largest cell's value
    times ``exp(d^2 / (2 s^2))``, d the place's distance from its nearest cell.

    Maps without a positive peak, or not finite, become 1 everywhere, their peak 0: the
    joint can be anywhere.
    """
    xp = get_namespace(maps)
    between = locations - xp.round(locations)
    largest: Any = xp.amax(maps, (-2, -1))
    found = (largest > 0) & (largest < LARGEST)  # False for NaN
    growth = xp.exp((between * between).sum(-1) / (2 * sigmas * sigmas))
    peaks = xp.where(found, largest * growth, xp.zeros_like(largest))
    kept = (maps - (THRESHOLD * peaks)[..., None, None]).clip(0)
    return xp.where(found[..., None, None], kept, xp.ones_like(kept)), peaks


def measure_moments(
    maps: ArrayT, locations: ArrayT, sigmas: ArrayT
) -> tuple[ArrayT, ArrayT]:
    """Maps (B, K, H, W) >= 0 -> mass (B, K), second moments (B, K, 2, 2) about the places.

    Cells whose point reflection through the place is off the map count twice as far as
    they are within `MIRRORED_SIGMAS`: the reflection stands for what the border cuts off.
    """
    x, y = (
        _list_columns(size, locations[..., axis], sigmas)
        for axis, size in ((0, maps.shape[-1]), (1, maps.shape[-2]))
    )
    # sums over rows of (map) x (weight of the column): (B, K, H, 9)
    rows = maps @ x
    sums = (y[..., None] * rows[..., None, :]).sum(-3)  # (B, K, 9, 9)

    def add_up(power_x: int, power_y: int) -> ArrayT:
        # all cells + cells nearby - cells nearby whose reflection is on the map
        whole, near, on_map = (
            sums[..., part + power_y, part + power_x] for part in (0, 3, 6)
        )
        return whole + near - on_map

    xp = get_namespace(maps)
    mass = add_up(0, 0)
    xy = add_up(1, 1)
    entries = xp.stack((add_up(2, 0), xy, xy, add_up(0, 2)), -1) / mass[..., None]
    return mass, entries.reshape(*mass.shape, 2, 2)


def _list_columns(size: int, places: ArrayT, sigmas: ArrayT) -> ArrayT:
    """Cells of a side, places (B, K), sigmas (K,) -> weights (B, K, size, 9).

    1, d and d^2, d the distance from the place; the same for cells nearby; the same for
    those whose reflection is on the map.
    """
    xp = get_namespace(places)
    cells = make_table(places, _list_cells, size)
    distances = cells - places[..., None]
    near = 1.0 * (abs(distances) <= MIRRORED_SIGMAS * sigmas[:, None])
    mirrored = places[..., None] - distances
    # a cell reaches half a cell to both sides
    on_map = near * ((mirrored + 0.5).clip(0, 1) * (size - 0.5 - mirrored).clip(0, 1))
    powers = xp.stack((xp.ones_like(distances), distances, distances * distances), -1)
    parts = [powers, powers * near[..., None], powers * on_map[..., None]]
    return xp.concatenate(parts, -1)


@lru_cache(maxsize=64)
def _list_cells(size: int) -> NDArray[np.float32]:
    return np.arange(size, dtype=np.float32)
