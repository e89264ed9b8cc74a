"""Each joint's own Gaussian, fitted to the cells around its peak (numpy or torch).

M maps at once; they stand last in windows and weights, so that a sum over a window is one
of long vectors. `xp` is numpy or torch, whichever the arrays are of. At M = 1088 (64
people) numpy spends as long on a call as on the arithmetic in it: hence few calls.
"""

from functools import lru_cache
from math import ceil
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np
import torch

# Width of the fit's weights and half the side of its window, in units of the joint's
# sigma. Chosen with benchmarks/codec_accuracy.py among 0.7-1.25 and 1-3: narrower lets
# noise in, wider a neighbouring peak. On maps 1.3 times too wide at sigma 3 DARK is ahead
# by less than a percent, which weights of 0.7-1.1 and windows of 1.2-2 do not mend.
WEIGHT_WIDTH = 0.9
WINDOW_RADIUS = 1.5

# Below this sigma a Gaussian shows in one cell alone, or two, which say less about its
# place than the fit would read from them: it is fitted as if it were this wide.
MIN_FITTED_SIGMA = 0.6

# So many sigmas away the weight of a Gaussian is 0; the square is a float32.
FAR = 1e9

# With the Gaussian g = exp(-d^2 / 2) and the fit's weight w = exp(-d^2 / (2 0.9^2)), d in
# sigmas: the exponents of w g and of w g g at d = 1.
WEIGHT_RATE = -0.5 - 0.5 / WEIGHT_WIDTH**2
TEMPLATE_RATE = -1 - 0.5 / WEIGHT_WIDTH**2


class FitSigmas(NamedTuple):
    """What the fit has to know of the Gaussians of M maps, each (M,) float32.

    Attributes:
        sigmas: in cells, none below MIN_FITTED_SIGMA.
        inverse: 1 / sigma.
        limit: how far the joint may be from its peak cell, in sigmas: one, or a cell
            where that is more.
        ratio_limit: of the extrapolation, see `refine_matched`. The ratio of two steps
            tells the map's width at sigmas of a cell and more, sampling below.
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
    """Sigmas in cells -> side of the windows to fit in, odd."""
    return 2 * ceil(WINDOW_RADIUS * max(sigmas)) + 1


def refine_matched(
    windows: Any, left: Any, top: Any, widths: FitSigmas, xp: ModuleType = np
) -> Any:
    """Windows (h, w, M) -> offsets x, y (2, M) in cells from the peak cell to the joint.

    Fits ``A g(X - x) g(Y - y)``, ``g(d) = exp(-d^2 / (2 s^2))`` with the joint's own s, to
    the window by Gauss-Newton steps of weighted least squares, starting at the peak cell.
    The weights are Gaussian too, of width ``0.9 s``, around the present centre. On a
    rectangle of cells the fit falls apart into its two axes, each step of which is

        x += s^2 (mean_h - mean_g) / var_g

    where mean_h is the weighted mean distance from the centre under the map, mean_g and
    var_g the mean and variance under the Gaussian itself, in the same cells. Two steps
    are taken, and extrapolated for maps that are wider or narrower than s.

    Without noise it stops at the joint, however few cells the Gaussian covers. DARK takes
    one Newton step on the log of the map blurred by one fixed kernel; here the smoothing
    is that of the joint's own Gaussian, and its known curvature takes the place of one
    estimated from noise.

    Args:
        windows: map values, the peak's being positive.
        left: (M,) column of a window's first cell, counted from the peak cell.
        top: (M,) row of it.
        widths: of the M joints' Gaussians.
        xp: numpy or torch.
    """
    distances = _measure(windows, left, top, widths.inverse, xp)
    first = _bound(_step(windows, distances, xp), widths.limit, xp)
    distances -= first[:, None]
    second = _step(windows, distances, xp)
    # A map wider than the Gaussian makes all steps fall short by the same factor, and is
    # told by it: steps that go on shrinking at their ratio r end at second / (1 - r).
    ratio = _bound(second / first, widths.ratio_limit, xp)
    offset = first + second / (1 - ratio)
    # what a noisy peak cell may be off, never a wild coordinate
    offset = _bound(offset, widths.limit, xp)
    offset *= widths.sigmas
    # NaN: both steps were 0, or values near 3e38
    return xp.where(offset == offset, offset, 0)


def _measure(windows: Any, left: Any, top: Any, inverse: Any, xp: ModuleType) -> Any:
    """Windows (h, w, M), first cells (M,) -> sigmas from the peak (2, n, M), x and y.

    n = max(h, w); cells that the shorter side lacks are too far away to have a weight.
    """
    height, width, _ = windows.shape
    cells: Any = np.arange(max(height, width), dtype=np.float32)[:, None]
    if xp is torch:
        cells = torch.from_numpy(cells).to(windows.device)
    distances = xp.stack((left, top))[:, None] + cells
    distances *= inverse
    if height != width:
        distances[0, width:] = FAR
        distances[1, height:] = FAR
    return distances


def _step(windows: Any, distances: Any, xp: ModuleType) -> Any:
    """Windows (h, w, M), distances from the centre (2, n, M) -> step x, y (2, M).

    Distances and step are in sigmas.
    """
    height, width, _ = windows.shape
    square = distances * distances
    weights = xp.exp(square * WEIGHT_RATE)
    template = xp.exp(square * TEMPLATE_RATE)
    # the map, summed along the other axis
    profiles = (xp.empty_like if height == width else xp.zeros_like)(weights)
    wx, wy = weights[0, :width], weights[1, :height]
    profiles[0, :width] = xp.einsum('yxm,ym->xm', windows, wy)
    profiles[1, :height] = xp.einsum('yxm,xm->ym', windows, wx)
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


def _bound(values: Any, limit: Any, xp: ModuleType) -> Any:
    """Values (2, M) -> the same, moved to within -limit and limit (M,) in place."""
    xp.maximum(values, -limit, out=values)
    return xp.minimum(values, limit, out=values)
