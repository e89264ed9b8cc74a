"""Each joint's own Gaussian, fitted to the cells around its peak (numpy or torch).

N maps at once (B x K); they stand last in windows and weights, so that a sum over a window
is one of long vectors. At N = 1088 (64 people) numpy spends as long on a call as on the
arithmetic in it: hence few calls.
"""

from functools import lru_cache
from math import ceil
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gm_pose.ops.array_types import ArrayT, get_namespace
from gm_pose.ops.device_tables import make_table

# Sigma of the fit's weights and half the side of its window, in units of the joint's
# sigma. Chosen with benchmarks/codec_accuracy.py among 0.7-1.25 and 1-3: smaller lets
# noise in, larger a neighbouring peak. On maps 1.3 times too wide at sigma 3 DARK is ahead
# by less than a percent, whatever the weights (0.7-1.1) and windows (1.2-2).
WEIGHT_SIGMA = 0.9
WINDOW_RADIUS = 1.5

# Below this sigma a Gaussian shows in one cell alone, or two, which say less about its
# place than the fit would read from them: it is fitted as if its sigma were this.
MIN_FITTED_SIGMA = 0.6

# So many sigmas away the weight of a Gaussian is 0; the square is a float32.
FAR = 1e9

# With the Gaussian g = exp(-d^2 / 2) and the fit's weight w = exp(-d^2 / (2 0.9^2)), d in
# sigmas: the exponents of w g and of w g g at d = 1.
WEIGHT_RATE = -0.5 - 0.5 / WEIGHT_SIGMA**2
TEMPLATE_RATE = -1 - 0.5 / WEIGHT_SIGMA**2


class FitSigmas(NamedTuple):
    """The sigmas of N maps and what the fit derives from them, each (N,) float32.

    Attributes:
        sigmas: in cells, none below MIN_FITTED_SIGMA.
        inverse: 1 / sigma.
        limit: how far the joint may be from its peak cell, in sigmas: one, or a cell
            where that is more.
        ratio_limit: of the extrapolation, see `refine_matched`. The ratio of two steps
            shows the map's own sigma where sigmas are a cell and more, sampling below.
    """

    sigmas: Any
    inverse: Any
    limit: Any
    ratio_limit: Any


@lru_cache(maxsize=64)
def list_fit_sigmas(sigmas: tuple[float, ...], count: int) -> FitSigmas:
    """Sigmas (K,), or (1,) for all, in cells -> of `count` maps, a multiple of K."""
    fitted = np.maximum(sigmas, MIN_FITTED_SIGMA).astype(np.float32)
    fitted = np.tile(fitted, count // len(fitted))
    inverse = 1 / fitted
    return FitSigmas(fitted, inverse, inverse.clip(1), (2.5 * fitted - 2).clip(0, 0.5))


def choose_side(sigmas: tuple[float, ...]) -> int:
    """Sigmas in cells -> side of the windows to fit in, odd.

    Example:
        >>> choose_side((0.84, 2.0))
        7
    """
    return 2 * ceil(WINDOW_RADIUS * max(sigmas)) + 1


def refine_matched(
    windows: ArrayT, left: ArrayT, top: ArrayT, fit: FitSigmas
) -> ArrayT:
    """Windows (h, w, N) -> offsets [x, y] (2, N) in cells from the peak cell to the joint.

    Fits ``A g(X - x) g(Y - y)``, ``g(d) = exp(-d^2 / (2 s^2))`` with the joint's own s, to
    the window by Gauss-Newton steps of weighted least squares, starting at the peak cell.
    The weights are Gaussian too, of sigma ``0.9 s``, around the present centre. On a
    rectangle of cells the fit falls apart into its two axes, each step of which is

        x += s^2 (mean_h - mean_g) / var_g

    where mean_h is the weighted mean distance from the centre under the map, mean_g and
    var_g the mean and variance under the Gaussian itself, in the same cells. Two steps
    are taken, and extrapolated for maps that are wider or narrower than s.

    Without noise it stops at the joint, however few cells the Gaussian covers. DARK (Zhang
    et al., CVPR 2020, arXiv:1910.06278) takes one Newton step on the log of the map blurred
    by one fixed kernel; here the smoothing is that of the joint's own Gaussian, and its
    known curvature takes the place of one estimated from noise.

    Args:
        windows: map values, the peak's being positive.
        left: (N,) column of a window's first cell, counted from the peak cell.
        top: (N,) row of it.
        fit: the N joints' Gaussians.
    """
    xp = get_namespace(windows)
    distances = _measure_distances(windows, left, top, fit.inverse)
    first = _bound(_step(windows, distances), fit.limit)
    distances -= first[:, None]
    second = _step(windows, distances)
    # A map wider than the Gaussian makes all steps fall short by the same factor, which
    # shows in their ratio r: steps that go on shrinking by it end at second / (1 - r).
    ratio = _bound(second / first, fit.ratio_limit)
    offset = first + second / (1 - ratio)
    # what a noisy peak cell may be off, never a wild coordinate
    offset = _bound(offset, fit.limit)
    offset *= fit.sigmas
    # NaN: both steps were 0, or values near 3e38
    return xp.where(offset == offset, offset, 0)


@lru_cache(maxsize=64)
def _list_column(count: int) -> NDArray[np.float32]:
    return np.arange(count, dtype=np.float32)[:, None]


def _measure_distances(
    windows: ArrayT, left: ArrayT, top: ArrayT, inverse: ArrayT
) -> ArrayT:
    """Windows (h, w, N), first cells (N,) -> sigmas from the peak (2, n, N), x and y.

    n = max(h, w); cells that the shorter side lacks are too far away to have a weight.
    """
    xp = get_namespace(windows)
    height, width, _ = windows.shape
    cells = make_table(windows, _list_column, max(height, width))
    distances = xp.stack((left, top))[:, None] + cells
    distances *= inverse
    if height != width:
        distances[0, width:] = FAR
        distances[1, height:] = FAR
    return distances


def _step(windows: ArrayT, distances: ArrayT) -> ArrayT:
    """Windows (h, w, N), distances from the centre (2, n, N) -> step [x, y] (2, N).

    Distances and step are in sigmas.
    """
    xp = get_namespace(windows)
    height, width, _ = windows.shape
    square = distances * distances
    weights = xp.exp(square * WEIGHT_RATE)
    template = xp.exp(square * TEMPLATE_RATE)
    # the map, summed along the other axis
    profiles = (xp.empty_like if height == width else xp.zeros_like)(weights)
    wx, wy = weights[0, :width], weights[1, :height]
    profiles[0, :width] = xp.einsum('yxn,yn->xn', windows, wy)
    profiles[1, :height] = xp.einsum('yxn,xn->yn', windows, wx)
    profiles *= weights

    amplitude = profiles.sum(1)
    profiles *= distances
    step = profiles.sum(1)
    step /= amplitude  # mean_h
    total = template.sum(1)
    template *= distances
    mean = template.sum(1)
    mean /= total
    template *= distances
    variance = template.sum(1)
    variance /= total
    variance -= mean * mean
    step -= mean
    step /= variance
    # no step where negative cells outweigh the peak
    return xp.where(amplitude > 0, step, 0)


def _bound(values: ArrayT, limit: ArrayT) -> ArrayT:
    """Values (2, N) -> the same, moved to within -limit and limit (N,) in place."""
    xp = get_namespace(values)
    xp.maximum(values, -limit, out=values)
    return xp.minimum(values, limit, out=values)
