"""Predicted heatmaps -> joint positions in cells and scores (pure numpy and torch).

M maps at once, flattened to (M, H * W), in [x, y] order and in cells where positions are
meant; no function loops over maps. `xp` is numpy or torch, whichever the arrays are of.
"""

from math import ceil
from types import ModuleType
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]

# Width of the fit's weights and half the side of its window, in units of the joint's
# sigma. Chosen with benchmarks/codec_accuracy.py among 0.7-1.25 and 1-3: narrower lets
# noise in, wider a neighbouring peak.
WEIGHT_WIDTH = 0.9
WINDOW_RADIUS = 1.5

# Below this sigma a Gaussian shows in one cell alone, or two, which say less about its
# place than the fit would read from them: it is fitted as if it were this wide.
MIN_FITTED_SIGMA = 0.6


def find_peaks(maps: Any) -> tuple[Any, Any, Any]:
    """Maps (M, H*W) -> first largest cell: index in its map, in all maps, value; (M,).

    A NaN counts as the largest value, which is how it is noticed.
    """
    if isinstance(maps, torch.Tensor):
        values, index = maps.max(1)
        offsets = torch.arange(len(maps), device=maps.device) * maps.shape[1]
        return index, index + offsets, values
    index = maps.argmax(1)
    start = index + np.arange(len(maps)) * maps.shape[1]
    return index, start, maps.reshape(-1)[start]


def refine_quarter(
    maps: Any, start: Any, x: Any, y: Any, width: int
) -> tuple[Any, Any]:
    """Maps (M, H*W), peak cells (M,) -> offsets x, y (M,): a quarter cell uphill, or 0.

    ``0.25 sign(h(x + 1) - h(x - 1))`` per axis, as Simple Baseline has it. MMPose's
    conditions are kept cell for cell: no offset in x where x < 2 or x = W - 1, or where
    y = 0; the same for y with the axes exchanged.

    Args:
        maps: (M, H*W).
        start: (M,) index of the peak in all maps.
        x: (M,) column of the peak.
        y: (M,) row of the peak.
        width: W.
    """
    height = maps.shape[1] // width
    flat = maps.reshape(-1)
    offsets = []
    for here, length, other, stride in ((x, width, y, 1), (y, height, x, width)):
        # no step where it is not valid: the cell itself on both sides
        step = ((here > 1) & (here < length - 1) & (other > 0)) * stride
        after, before = flat[start + step], flat[start - step]
        # compared, not subtracted: -inf on both sides is no offset, not NaN
        offsets.append((after > before) * 0.25 - (after < before) * 0.25)
    return offsets[0], offsets[1]


def cut_windows(
    maps: Any, start: Any, x: Any, y: Any, width: int, side: int
) -> tuple[Any, Any, Any]:
    """Maps (M, H*W), peak cells (M,) -> windows (h, w, M) and where they begin.

    h = min(side, H) and w = min(side, W). Near a border the window is moved inwards, so
    that it never holds a cell that is not in the map. The maps stand last: sums over a
    window are then sums of long vectors.

    Args:
        maps, start, x, y, width: as `refine_quarter` has them.
        side: of the windows, odd.

    Returns:
        Windows, and their first column and row (M,), counted from the peak.
    """
    height = maps.shape[1] // width
    w, h = min(side, width), min(side, height)
    left = (x - side // 2).clip(0, width - w) - x
    top = (y - side // 2).clip(0, height - h) - y
    corner = start + top * width + left
    grid = (np.arange(h)[:, None] * width + np.arange(w)).reshape(-1, 1)
    if isinstance(maps, torch.Tensor):
        cells = torch.from_numpy(grid).to(maps.device) + corner
        windows = maps.reshape(-1)[cells]
    else:  # 'clip' only spares the check of indices that are valid already
        windows = maps.reshape(-1).take(grid + corner, mode='clip')
    return windows.reshape(h, w, -1), left, top


def refine_matched(
    windows: Any, left: Any, top: Any, sigmas: Any, xp: ModuleType = np
) -> tuple[Any, Any]:
    """Windows (h, w, M) -> offsets x, y (M,) in cells from the peak cell to the joint.

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
        sigmas: (M,) in cells.
        xp: numpy or torch.
    """
    columns = _count_up(windows.shape[1], left, windows.dtype, xp)
    rows = _count_up(windows.shape[0], top, windows.dtype, xp)
    limit = sigmas.clip(1)  # what a noisy peak cell may be off; never a wild coordinate
    x1, y1 = _step(windows, columns, rows, sigmas, xp)
    x1, y1 = x1.clip(-limit, limit), y1.clip(-limit, limit)
    x2, y2 = _step(windows, columns - x1, rows - y1, sigmas, xp)
    # the ratio of two steps tells width at sigmas of a cell and more, sampling below
    bound = (2.5 * sigmas - 2).clip(0, 0.5)
    return _extrapolate(x1, x2, bound, limit, xp), _extrapolate(
        y1, y2, bound, limit, xp
    )


def _step(
    windows: Any, dx: Any, dy: Any, sigmas: Any, xp: ModuleType
) -> tuple[Any, Any]:
    """Windows (h, w, M), distances from the centre (w, M), (h, M) -> step x, y (M,)."""
    variance = sigmas * sigmas
    rates = -0.5 / variance, -0.5 / WEIGHT_WIDTH**2 / variance
    wx, mean_x, gain_x = _weigh(dx, rates, xp)
    wy, mean_y, gain_y = _weigh(dy, rates, xp)
    profile = xp.einsum('yxm,ym->xm', windows, wy)
    profile *= wx
    total = profile.sum(0)
    sum_x = xp.einsum('xm,xm->m', profile, dx)
    sum_y = xp.einsum('yxm,ym,xm->m', windows, wy * dy, wx)
    usable = total > 0  # not where negative cells outweigh the peak, nor for NaN
    total = xp.where(usable, total, 1)
    return (
        xp.where(usable, variance * gain_x * (sum_x / total - mean_x), 0),
        xp.where(usable, variance * gain_y * (sum_y / total - mean_y), 0),
    )


def _extrapolate(
    first: Any, second: Any, bound: Any, limit: Any, xp: ModuleType
) -> Any:
    """Steps (M,) -> where steps that go on shrinking at their ratio would end.

    ``first + second / (1 - r)``, r = second / first: a map wider than s makes all steps
    fall short by the same factor, and is told by it.
    """
    ratio = (second / xp.where(first == 0, 1, first)).clip(-bound, bound)
    offset = first + second / (1 - ratio)
    offset = offset.clip(-limit, limit)
    return xp.where(abs(offset) <= limit, offset, 0)  # 0 for NaN, of values near 3e38


def _weigh(d: Any, rates: tuple[Any, Any], xp: ModuleType) -> tuple[Any, Any, Any]:
    """Distances (n, M) -> weights w g, mean and 1 / variance of d under w g g."""
    square = d * d
    weights = xp.exp(square * (rates[0] + rates[1]))
    template = xp.exp(square * (2 * rates[0] + rates[1]))
    total = template.sum(0)
    template *= d
    mean = template.sum(0) / total
    return weights, mean, 1 / (xp.einsum('nm,nm->m', template, d) / total - mean * mean)


def _count_up(count: int, first: Any, dtype: Any, xp: ModuleType) -> Any:
    """First cells (M,) -> cells (count, M)."""
    if xp is torch:
        steps = torch.arange(count, device=first.device, dtype=dtype)
        return steps[:, None] + first
    return np.arange(count, dtype=dtype)[:, None] + first.astype(dtype)


def _is_on_cpu(tensor: torch.Tensor) -> bool:
    return tensor.device.type == 'cpu'


def decode_heatmaps(
    heatmaps: torch.Tensor | np.ndarray, sigmas: np.ndarray | None
) -> tuple[FloatArray, FloatArray]:
    """Maps (B, K, H, W) -> positions (B, K, 2) in cells, scores (B, K), both float32.

    The score is the map's largest value. A map whose largest value is not positive has
    no peak: its joint is at (-1, -1), as MMPose marks it, its score that value. A map that
    holds NaN or +inf is no prediction: (-1, -1) and score 0.

    On a GPU only the results leave the device. On the CPU numpy takes over: its argmax
    over float32 rows is ten times faster than torch's.

    Args:
        heatmaps: any float dtype, on any device.
        sigmas: (K,) or (1,) in cells: refine each joint by its own Gaussian; None: by a
            quarter cell.
    """
    batch, joints, height, width = heatmaps.shape
    xp: ModuleType = np
    maps: Any
    if not isinstance(heatmaps, torch.Tensor):
        maps = np.asarray(heatmaps, dtype=np.float32)
    elif _is_on_cpu(heatmaps):
        maps = heatmaps.detach().float().numpy()
    else:
        maps, xp = heatmaps.detach().float(), torch
    maps = maps.reshape(-1, height * width)
    index, start, scores = find_peaks(maps)
    y = index // width
    x = index - y * width
    found = (scores > 0) & (scores < np.inf)
    # maps that are not finite may make NaN below; `found` discards them
    with np.errstate(invalid='ignore', over='ignore'):
        if sigmas is None:
            dx, dy = refine_quarter(maps, start, x, y, width)
        else:
            side = 2 * ceil(WINDOW_RADIUS * float(sigmas.max())) + 1
            windows, left, top = cut_windows(maps, start, x, y, width, side)
            # -inf, or a fall far below zero, counts no more than the peak itself
            windows = xp.maximum(windows, -scores)
            widths = np.maximum(sigmas, MIN_FITTED_SIGMA).astype(np.float32)
            widths = np.broadcast_to(widths, (batch, joints)).reshape(-1)
            fitted = torch.tensor(widths, device=maps.device) if xp is torch else widths
            dx, dy = refine_matched(windows, left, top, fitted, xp)
    columns = [xp.where(found, x + dx, -1), xp.where(found, y + dy, -1)]
    scores = xp.where(found | (scores <= 0), scores, 0)
    if xp is torch:
        *columns, scores = torch.stack([*columns, scores]).cpu().numpy()
    positions = np.empty((len(maps), 2), np.float32)
    positions[:, 0], positions[:, 1] = columns
    return positions.reshape(batch, joints, 2), scores.reshape(batch, joints)
