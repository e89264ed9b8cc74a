"""Predicted heatmaps -> joint positions in cells and scores (pure numpy and torch).

M maps at once, flattened to (M, H * W), in [x, y] order and in cells where positions are
meant; no function loops over maps. `xp` is numpy or torch, whichever the arrays are of.
"""

from functools import lru_cache
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

# So many sigmas away the weight of a Gaussian is 0; the square is a float32.
FAR = 1e9


def find_peaks(maps: Any) -> tuple[Any, Any, Any]:
    """Maps (M, H*W) -> first largest cell: index in its map, in all maps, value; (M,).

    A NaN counts as the largest value, which is how it is noticed.
    """
    if isinstance(maps, torch.Tensor):
        values, index = maps.max(1)
        offsets = torch.arange(len(maps), device=maps.device) * maps.shape[1]
        return index, index + offsets, values
    index = maps.argmax(1)
    start = index + np.arange(0, maps.size, maps.shape[1])
    return index, start, _take(maps.reshape(-1), start)


@lru_cache(maxsize=64)
def list_cells(height: int, width: int) -> NDArray[np.float32]:
    """H, W -> column and row (2, H*W) of every cell."""
    rows, columns = np.divmod(np.arange(height * width), width)
    return np.stack([columns, rows]).astype(np.float32)


@lru_cache(maxsize=64)
def list_quarter_steps(height: int, width: int) -> NDArray[np.int64]:
    """H, W -> (2, H*W): from a cell to the next in x and in y; 0 where none is taken.

    MMPose's conditions, cell for cell: no offset in x where x < 2 or x = W - 1, or where
    y = 0; the same for y with the axes exchanged.
    """
    y, x = np.divmod(np.arange(height * width), width)
    return np.stack(
        [
            (x > 1) & (x < width - 1) & (y > 0),
            ((y > 1) & (y < height - 1) & (x > 0)) * width,
        ]
    )


@lru_cache(maxsize=64)
def list_windows(
    height: int, width: int, side: int
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """H, W, side -> the window of each cell, were it the peak; see `cut_windows`.

    Returns:
        (H*W,) the window's first cell, and (2, H*W) its column and row, counted from
        the peak.
    """
    y, x = np.divmod(np.arange(height * width), width)
    left = (x - side // 2).clip(0, max(width - side, 0))
    top = (y - side // 2).clip(0, max(height - side, 0))
    return top * width + left, np.stack([left - x, top - y]).astype(np.float32)


def refine_quarter(maps: Any, index: Any, start: Any, width: int) -> Any:
    """Maps (M, H*W), peaks (M,) -> offsets x, y (2, M): a quarter cell uphill, or 0.

    ``0.25 sign(h(x + 1) - h(x - 1))`` per axis, as Simple Baseline has it.

    Args:
        maps: (M, H*W).
        index: (M,) of the peak in its map.
        start: (M,) of the peak in all maps.
        width: W.
    """
    steps = _take(list_quarter_steps(maps.shape[1] // width, width), index)
    flat = maps.reshape(-1)
    after, before = _take(flat, start + steps), _take(flat, start - steps)
    # compared, not subtracted: -inf on both sides is no offset, not NaN
    if isinstance(maps, torch.Tensor):
        return 0.25 * ((after > before).float() - (after < before).float())
    uphill = np.subtract(after > before, after < before, dtype=np.float32)
    uphill *= 0.25
    return uphill


def cut_windows(
    maps: Any, index: Any, start: Any, width: int, side: int
) -> tuple[Any, Any, Any]:
    """Maps (M, H*W), peaks (M,) -> windows (h, w, M) and where they begin.

    h = min(side, H) and w = min(side, W). Near a border the window is moved inwards, so
    that it never holds a cell that is not in the map. The maps stand last: sums over a
    window are then sums of long vectors.

    Args:
        maps, index, start, width: as `refine_quarter` has them.
        side: of the windows, odd.

    Returns:
        Windows, and their first column and row (M,), counted from the peak.
    """
    height = maps.shape[1] // width
    w, h = min(side, width), min(side, height)
    corners, first = list_windows(height, width, side)
    corner = _take(corners, index)
    corner += start - index
    left, top = _take(first, index)
    flat = maps.reshape(-1)
    if isinstance(maps, torch.Tensor):
        grid = np.arange(h)[:, None, None] * width + np.arange(w)[:, None]
        return flat[torch.from_numpy(grid).to(maps.device) + corner], left, top
    windows = np.empty((h, w, len(corner)), np.float32)
    cells = np.arange(w)[:, None] + corner
    for row in range(h):  # of the window: one list of cells serves all its rows
        flat[row * width :].take(cells, mode='clip', out=windows[row])
    return windows, left, top


def _take(table: Any, index: Any) -> Any:
    """Values (..., N) at indices of any shape, all valid -> (..., *index.shape)."""
    if isinstance(index, torch.Tensor):
        if not isinstance(table, torch.Tensor):
            table = torch.tensor(table, device=index.device)
        return table[..., index]
    return table.take(index, axis=-1, mode='clip')  # spares the check of the indices


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
    inverse = 1 / sigmas
    distances = _measure(windows, left, top, inverse, xp)
    limit = inverse.clip(1)  # a cell, or one sigma where that is more
    first = _bound(_step(windows, distances, xp), limit, xp)
    distances -= first[:, None]
    second = _step(windows, distances, xp)
    # A map wider than the Gaussian makes all steps fall short by the same factor, and is
    # told by it: steps that go on shrinking at their ratio r end at second / (1 - r).
    # The ratio tells width at sigmas of a cell and more, sampling below.
    ratio = second / xp.where(first == 0, 1, first)
    ratio = _bound(ratio, (2.5 * sigmas - 2).clip(0, 0.5), xp)
    offset = first + second / (1 - ratio)
    # what a noisy peak cell may be off, never a wild coordinate; 0 for NaN, which values
    # near 3e38 make
    offset = _bound(offset, limit, xp)
    offset = xp.where(abs(offset) <= limit, offset * sigmas, 0)
    return offset[0], offset[1]


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
    weights = xp.exp(square * (-0.5 - 0.5 / WEIGHT_WIDTH**2))  # w g
    # mean and variance of the distances under w g g
    square *= -1 - 0.5 / WEIGHT_WIDTH**2
    template = xp.exp(square, out=square)
    total = template.sum(1)
    template *= distances
    mean = template.sum(1) / total
    template *= distances
    variance = template.sum(1) / total - mean * mean

    tilted = weights * distances
    wx, wy = weights[0, :width], weights[1, :height]
    profile = xp.einsum('yxm,ym->xm', windows, wy)
    total = xp.einsum('xm,xm->m', profile, wx)
    step = xp.empty_like(mean)
    step[0] = xp.einsum('xm,xm->m', profile, tilted[0, :width])
    profile = xp.einsum('yxm,ym->xm', windows, tilted[1, :height])
    step[1] = xp.einsum('xm,xm->m', profile, wx)
    # no step where negative cells outweigh the peak
    step /= xp.where(total > 0, total, np.inf)
    step -= xp.where(total > 0, mean, 0)
    step /= variance
    return step


def _bound(values: Any, limit: Any, xp: ModuleType) -> Any:
    """Values (2, M) -> the same within -limit to limit (M,)."""
    return xp.minimum(xp.maximum(values, -limit), limit)


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
    # maps that are not finite may make NaN below; `found` discards them
    with np.errstate(invalid='ignore', over='ignore'):
        if sigmas is None:
            offsets = refine_quarter(maps, index, start, width)
        else:
            side = 2 * ceil(WINDOW_RADIUS * float(sigmas.max())) + 1
            windows, left, top = cut_windows(maps, index, start, width, side)
            # -inf, or a fall far below zero, counts no more than the peak itself
            xp.maximum(windows, -scores, out=windows)
            widths = np.maximum(sigmas, MIN_FITTED_SIGMA).astype(np.float32)
            widths = np.broadcast_to(widths, (batch, joints)).reshape(-1)
            fitted = torch.tensor(widths, device=maps.device) if xp is torch else widths
            offsets = refine_matched(windows, left, top, fitted, xp)
    columns, rows = _take(list_cells(height, width), index)
    x, y = columns + offsets[0], rows + offsets[1]
    if xp is torch:
        x, y, scores = torch.stack([x, y, scores]).cpu().numpy()
    positions = np.empty((len(scores), 2), np.float32)
    positions[:, 0], positions[:, 1] = x, y
    found = (scores > 0) & (scores < np.inf)
    if not found.all():
        positions[~found] = -1
        scores = np.where(found | (scores <= 0), scores, np.float32(0))
    return positions.reshape(batch, joints, 2), scores.reshape(batch, joints)
