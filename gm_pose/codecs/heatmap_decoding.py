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

# Width of the fit's weights in units of the joint's sigma, half the side of its window,
# and the number of its steps; chosen by benchmarks/codec_accuracy.py among 0.7-1.25,
# 1-3 and 1-8: narrower lets noise in, wider a neighbouring peak.
WEIGHT_WIDTH = 0.8
WINDOW_RADIUS = 1.5
NUM_STEPS = 3

# Below this sigma a Gaussian shows in one cell alone, or two, which say less about its
# place than the fit would read from them: it is fitted as if it were this wide.
MIN_FITTED_SIGMA = 0.6


def find_peaks(maps: Any) -> tuple[Any, Any]:
    """Maps (M, H*W) -> index of the first largest cell (M,), its value (M,).

    A NaN counts as the largest value, which is how it is noticed.
    """
    if isinstance(maps, torch.Tensor):
        values, index = maps.max(1)
        return index, values
    index = maps.argmax(1)
    return index, maps[np.arange(len(maps)), index]


def refine_quarter(maps: Any, x: Any, y: Any, width: int, xp: ModuleType = np) -> Any:
    """Maps (M, H*W), peak cells x, y (M,) -> offsets x, y: a quarter cell uphill, or 0.

    ``0.25 sign(h(x + 1) - h(x - 1))`` per axis, as Simple Baseline has it. MMPose's
    conditions are kept cell for cell: no offset in x where x < 2 or x = W - 1, or where
    y = 0; the same for y with the axes exchanged.
    """
    height = maps.shape[1] // width
    flat = maps.reshape(-1)
    start = _enumerate(x, xp) * maps.shape[1] + y * width + x
    offsets = []
    for here, length, other, stride in ((x, width, y, 1), (y, height, x, width)):
        valid = (here > 1) & (here < length - 1) & (other > 0)
        # where not valid any cell will do; its neighbours are kept inside the array
        step = valid * stride
        after, before = flat[start + step], flat[start - step]
        # compared, not subtracted: -inf on both sides is no offset, not NaN
        offsets.append(((after > before) * 0.25 - (after < before) * 0.25))
    return offsets


def cut_windows(
    maps: Any, x: Any, y: Any, width: int, side: int, xp: ModuleType = np
) -> tuple[Any, Any, Any]:
    """Maps (M, H*W), peak cells (M,) -> windows (h, w, M), their first column and row (M,).

    h = min(side, H) and w = min(side, W). Near a border the window is moved inwards, so
    that it never holds a cell that is not in the map. The maps stand last: sums over a
    window are then sums of long vectors.
    """
    height = maps.shape[1] // width
    w, h = min(side, width), min(side, height)
    left = (x - side // 2).clip(0, width - w)
    top = (y - side // 2).clip(0, height - h)
    start = _enumerate(x, xp) * maps.shape[1] + top * width + left
    if xp is torch:
        grid = torch.arange(h, device=maps.device)[:, None] * width
        grid = (grid + torch.arange(w, device=maps.device)).reshape(-1, 1)
        windows = maps.reshape(-1)[grid + start]
    else:
        grid = (np.arange(h)[:, None] * width + np.arange(w)).reshape(-1, 1)
        # 'clip' only spares the check of indices that are valid already
        windows = maps.reshape(-1).take(grid + start, mode='clip')
    return windows.reshape(h, w, -1), left, top


def refine_matched(
    windows: Any, left: Any, top: Any, sigmas: Any, xp: ModuleType = np
) -> tuple[Any, Any]:
    """Windows (h, w, M) -> offsets x, y (M,) in cells from the peak cell to the joint.

    Fits ``A g(X - x) g(Y - y)``, ``g(d) = exp(-d^2 / (2 s^2))`` with the joint's own s, to
    the window by Gauss-Newton steps of weighted least squares, starting at the peak cell.
    The weights are Gaussian too, of width ``0.8 s``, around the present centre. On a
    rectangle of cells the fit falls apart into its two axes, each step of which is

        x += s^2 (mean_h - mean_g) / var_g

    where mean_h is the weighted mean distance from the centre under the map, mean_g and
    var_g the mean and variance under the Gaussian itself, in the same cells. Without
    noise it stops at the joint exactly, however few cells the Gaussian covers. DARK takes
    one Newton step on the log of the map blurred by one fixed kernel; here the smoothing
    and the curvature are those of the joint's own Gaussian instead of one kernel's and
    an estimate from noise.

    Args:
        windows: map values divided by the peak's.
        left: (M,) column of a window's first cell, counted from the peak cell.
        top: (M,) row of it.
        sigmas: (M,) in cells.
        xp: numpy or torch.
    """
    height, width = windows.shape[:2]
    columns = _count_up(width, left, windows.dtype, xp)
    rows = _count_up(height, top, windows.dtype, xp)
    variance = sigmas**2
    rates = -0.5 / variance, -0.5 / (variance * WEIGHT_WIDTH**2)
    limit = sigmas.clip(1)  # what a noisy peak cell may be off; never a wild coordinate
    x = y = sigmas * 0
    for _ in range(NUM_STEPS):
        dx, wx, mean_x, gain_x = _weigh(columns - x, rates, xp)
        dy, wy, mean_y, gain_y = _weigh(rows - y, rates, xp)
        profile = xp.einsum('yxm,ym->xm', windows, wy)
        profile *= wx
        total = profile.sum(0)
        sum_x = xp.einsum('xm,xm->m', profile, dx)
        sum_y = xp.einsum('yxm,ym,xm->m', windows, wy * dy, wx)
        x = (x + variance * gain_x * (sum_x / total - mean_x)).clip(-limit, limit)
        y = (y + variance * gain_y * (sum_y / total - mean_y)).clip(-limit, limit)
        usable = total > 0  # not where negative cells outweigh the peak, nor for NaN
        x, y = xp.where(usable, x, 0), xp.where(usable, y, 0)
    return x, y


def _weigh(d: Any, rates: tuple[Any, Any], xp: ModuleType) -> Any:
    """Distances (n, M) -> them, weights w g, mean and 1 / variance of d under w g g."""
    square = d * d
    weights = xp.exp(square * (rates[0] + rates[1]))
    template = xp.exp(square * (2 * rates[0] + rates[1]))
    total = template.sum(0)
    template *= d
    mean = template.sum(0) / total
    return d, weights, mean, 1 / (xp.einsum('nm,nm->m', template, d) / total - mean**2)


def _count_up(count: int, first: Any, dtype: Any, xp: ModuleType) -> Any:
    """First cells (M,) -> cells (count, M)."""
    if xp is torch:
        steps = torch.arange(count, device=first.device, dtype=dtype)
        return steps[:, None] + first
    return np.arange(count, dtype=dtype)[:, None] + first.astype(dtype)


def _enumerate(values: Any, xp: ModuleType) -> Any:
    """Values (M,) -> 0 ... M - 1 beside them."""
    return (
        torch.arange(len(values), device=values.device)
        if xp is torch
        else np.arange(len(values))
    )


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
    if isinstance(heatmaps, torch.Tensor):
        heatmaps = heatmaps.detach().float()
        if heatmaps.device.type == 'cpu':
            heatmaps = heatmaps.numpy()
        else:
            xp = torch
    else:
        heatmaps = np.asarray(heatmaps, dtype=np.float32)
    maps = heatmaps.reshape(-1, height * width)
    index, scores = find_peaks(maps)
    y = index // width
    x = index - y * width
    found = (scores > 0) & (scores < np.inf)
    # maps that are not finite may make NaN below; `found` discards them
    with np.errstate(invalid='ignore', over='ignore'):
        if sigmas is None:
            dx, dy = refine_quarter(maps, x, y, width, xp)
        else:
            side = 2 * ceil(WINDOW_RADIUS * float(sigmas.max())) + 1
            windows, left, top = cut_windows(maps, x, y, width, side, xp)
            # -inf, or a fall far below zero, counts no more than the peak itself
            windows = xp.maximum(windows, -scores)
            fitted = np.broadcast_to(
                np.maximum(sigmas, MIN_FITTED_SIGMA).astype(np.float32), (batch, joints)
            ).reshape(-1)
            if xp is torch:
                fitted = torch.from_numpy(fitted).to(heatmaps.device)
            dx, dy = refine_matched(windows, left - x, top - y, fitted, xp)
    positions = xp.stack([xp.where(found, x + dx, -1), xp.where(found, y + dy, -1)], -1)
    scores = xp.where(found | (scores <= 0), scores, 0)
    if xp is torch:
        positions, scores = positions.cpu().numpy(), scores.cpu().numpy()
    return (
        positions.reshape(batch, joints, 2).astype(np.float32, copy=False),
        scores.reshape(batch, joints).astype(np.float32, copy=False),
    )
