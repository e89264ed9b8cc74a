"""Heatmaps -> mass and second moment about a place, of what stands out of the background.

A map ``h = A exp(-u)``, ``u = (x - c)' S^-1 (x - c) / 2``, less a threshold ``t A`` and cut
at zero, keeps these shares of its mass and of its second moment, whatever S (cells of a
Gaussian have the density ``du`` of u, and the cut is at U = -ln t):

    mass:    integral of (e^-u - t) du   = 1 - t - t U
    moment:  integral of u (e^-u - t) du = 1 - t - t U - t U^2 / 2

Divided by them, the cut map's moments are those of the whole Gaussian.
"""

from functools import lru_cache
from math import log
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gm_pose.ops.array_types import ArrayT, get_namespace
from gm_pose.ops.device_tables import make_table

# Share of the peak that counts as background: what is lower adds nothing, also where it
# covers the whole map. What is missed of a second mode is worth less than this share of
# the expected OKS. Among 0.01 to 0.2 it gave the errors of the trained demo (2,586 joints,
# calibrated on the other half) the largest likelihood: -0.78 a joint, -0.88 at 0.1.
THRESHOLD = 0.02
_U = -log(THRESHOLD)
MASS_SHARE = 1 - THRESHOLD - THRESHOLD * _U
MOMENT_SHARE = (MASS_SHARE - THRESHOLD * _U**2 / 2) / MASS_SHARE

# What a border cuts off a map is taken from its reflection through the joint, up to so
# many of the joint's sigmas.
MIRRORED_SIGMAS = 3.0

# A larger value is no map's.
LARGEST = 1e30


def measure_moments(
    maps: ArrayT, locations: ArrayT, sigmas: ArrayT
) -> tuple[ArrayT, ArrayT, ArrayT]:
    """Maps (B, K, H, W), places (B, K, 2) in cells, sigmas (K,) -> peak, mass, moments.

    Returns:
        The peak (B, K) between cells, 0 without one; the mass (B, K) in units of a
        target's, 0 without a peak; second moments (B, K, 2, 2) about the places over the
        mass, in cells^2. The moments of a map without a positive peak, or one that is not
        finite, are those of a joint that may be in any cell.
    """
    xp = get_namespace(maps)
    height, width = maps.shape[-2:]
    between = locations - xp.round(locations)
    # The peak lies between cells, d from the nearest: exp(-d^2 / (2 s^2)) of it is seen.
    # not `.sum(-1)`: OpenVINO 2026.4 computes it wrongly in an exported graph
    square = between[..., 0] * between[..., 0] + between[..., 1] * between[..., 1]
    growth = xp.exp(square / (2 * sigmas * sigmas))
    peaks: Any = xp.amax(maps, (-2, -1)) * growth
    found = (peaks > 0) & (peaks < LARGEST)  # False for NaN
    kept = (maps - (THRESHOLD * peaks)[..., None, None]).clip(0)
    x, y = locations[..., 0], locations[..., 1]
    columns, rows = _list_powers(width, x, sigmas), _list_powers(height, y, sigmas)
    sums = xp.swapaxes(rows, -1, -2) @ (kept @ columns)  # (B, K, 3, 3), y before x
    mass = sums[..., 0, 0]
    divisor = xp.where(found, mass, xp.ones_like(mass)) * MOMENT_SHARE
    xx, xy, yy = (sums[..., i, 2 - i] / divisor for i in range(3))
    xx = xp.where(found, xx, _spread_evenly(width, x))
    yy = xp.where(found, yy, _spread_evenly(height, y))
    xy = xp.where(found, xy, xp.zeros_like(xy))
    moments = xp.stack((xx, xy, xy, yy), -1).reshape(*mass.shape, 2, 2)
    mass = mass / MASS_SHARE / (2 * np.pi * sigmas * sigmas)
    none = xp.zeros_like(peaks)
    return xp.where(found, peaks, none), xp.where(found, mass, none), moments


def _list_powers(size: int, places: ArrayT, sigmas: ArrayT) -> ArrayT:
    """Cells of a side, places (B, K), sigmas (K,) -> weights (B, K, size, 3): 1, d, d^2.

    d is the distance from the place. Cells nearby whose reflection through the place is
    off the map count twice, for what the border cuts off.
    """
    xp = get_namespace(places)
    distances = make_table(places, _list_cells, size) - places[..., None]
    mirrored = places[..., None] - distances
    # a cell reaches half a cell to both sides
    inside = (mirrored + 0.5).clip(0.0, 1.0) * (size - 0.5 - mirrored).clip(0.0, 1.0)
    near = xp.abs(distances) <= MIRRORED_SIGMAS * sigmas[:, None]
    counts = xp.where(near, 2 - inside, xp.ones_like(inside))
    weighted = counts * distances
    return xp.stack((counts, weighted, weighted * distances), -1)


def _spread_evenly(size: int, places: ArrayT) -> ArrayT:
    """Mean square distance from the places (B, K) to the cells of a side."""
    off_centre = (size - 1) / 2 - places
    return (size * size - 1) / 12 + off_centre * off_centre


@lru_cache(maxsize=64)
def _list_cells(size: int) -> NDArray[np.float32]:
    return np.arange(size, dtype=np.float32)
