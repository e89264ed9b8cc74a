"""Predicted heatmaps -> joint positions in cells and scores (pure numpy and torch).

Maps are (..., H, W); positions [x, y] in cells. Every function takes any number of maps
at once and loops over none of them.
"""

from types import ModuleType
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]

# Gauss-Newton steps of `refine_matched`; the first starts from whole cells.
_NUM_STEPS = 3


def find_peaks(maps: FloatArray) -> tuple[NDArray[np.int64], FloatArray]:
    """Maps (M, H*W) -> index of the first largest cell (M,), its value (M,).

    A NaN counts as the largest value, which is how it is noticed.
    """
    index = maps.argmax(1)
    return index, maps[np.arange(len(maps)), index]


def refine_quarter(
    maps: FloatArray, index: NDArray[np.int64], width: int
) -> FloatArray:
    """Maps (M, H*W) and peaks (M,) -> offset (M, 2): a quarter cell uphill, or 0.

    ``0.25 sign(h(x + 1) - h(x - 1))`` per axis, as Simple Baseline has it. MMPose's
    conditions are kept cell for cell: no offset in x where x < 2 or x = W - 1, or where
    y = 0; the same for y with the axes exchanged.
    """
    height = maps.shape[1] // width
    y, x = np.divmod(index, width)
    flat, start = maps.reshape(-1), np.arange(len(maps)) * maps.shape[1] + index
    offsets = np.zeros((len(maps), 2), np.float32)
    for axis, (here, length, other, stride) in enumerate(
        ((x, width, y, 1), (y, height, x, width))
    ):
        valid = (here > 1) & (here < length - 1) & (other > 0)
        center = np.where(valid, start, stride)  # any cell with both neighbours
        if len(flat) <= 2 * stride:
            continue
        after, before = flat[center + stride], flat[center - stride]
        # compared, not subtracted: -inf on both sides is no offset, not NaN
        step = (after > before).astype(np.float32) - (after < before)
        offsets[:, axis] = 0.25 * step * valid
    return offsets


def cut_windows(
    maps: FloatArray, index: NDArray[np.int64], width: int, side: int
) -> tuple[FloatArray, NDArray[np.int64]]:
    """Maps (M, H*W), peaks (M,) -> windows (M, h, w) around them, upper left cells (M, 2).

    h = min(side, H) and w = min(side, W). Near a border the window is moved inwards, so
    that it never holds a cell that is not in the map.
    """
    height = maps.shape[1] // width
    y, x = np.divmod(index, width)
    w, h = min(side, width), min(side, height)
    left = np.clip(x - side // 2, 0, width - w)
    top = np.clip(y - side // 2, 0, height - h)
    grid = maps.reshape(-1, height, width)
    step_m, step_y, step_x = grid.strides
    views = np.lib.stride_tricks.as_strided(
        grid,
        (len(maps), height - h + 1, width - w + 1, h, w),
        (step_m, step_y, step_x, step_y, step_x),
        writeable=False,
    )
    return views[np.arange(len(maps)), top, left], np.stack([left, top], 1)


def refine_matched(
    windows: Any, origins: Any, peaks: Any, sigmas: Any, xp: ModuleType = np
) -> Any:
    """Windows (M, h, w) -> offsets (M, 2) in cells from the peak cell to the joint.

    Fits ``A exp(-((X-x)^2 + (Y-y)^2) / (2 s^2))``, s the joint's own sigma, to the window
    by Gauss-Newton steps of least squares from the peak cell. With g(X), g(Y) the
    template's two factors at the present centre and g' their derivative by it, cleared of
    its part along g, the three directions g g, g' g and g g' are orthogonal on a
    rectangle of cells, so that each step is a quotient of weighted sums per axis:

        step_x = (sum h g'(X) g(Y) / sum g'(X)^2) / (sum h g(X) g(Y) / sum g(X)^2)

    For wide Gaussians this is twice the offset of the Gaussian-weighted centroid; unlike
    that, it has no sampling error for narrow ones, and unlike a Newton step on the log of
    a blurred map it estimates no curvature from noise: the sigma is known.

    Args:
        windows: finite, positive at the peak.
        origins: (M, 2) position of each window's first cell, [x, y].
        peaks: (M, 2) position of the peak cell, [x, y].
        sigmas: (M,) in cells.
        xp: numpy or torch, whichever the arrays are of.
    """
    height, width = windows.shape[1:]
    cells = [
        peaks[:, None, i] * 0 + xp.arange(n) for i, n in enumerate((width, height))
    ]
    cells = [c + origins[:, i, None] - peaks[:, i, None] for i, c in enumerate(cells)]
    precision = 1 / sigmas[:, None] ** 2
    limit = xp.maximum(sigmas, sigmas * 0 + 1)
    x = y = sigmas * 0
    for _ in range(_NUM_STEPS):
        gx, dx, norm_x = _make_template(cells[0] - x[:, None], precision, xp)
        gy, dy, norm_y = _make_template(cells[1] - y[:, None], precision, xp)
        rows = xp.einsum('myx,my->mx', windows, gy)
        amplitude = (rows * gx).sum(1)
        step_x = (rows * dx).sum(1)
        step_y = (xp.einsum('myx,my->mx', windows, dy) * gx).sum(1)
        usable = amplitude > 0
        amplitude = xp.where(usable, amplitude, amplitude * 0 + 1)
        x = xp.clip(x + usable * step_x * norm_x / amplitude, -limit, limit)
        y = xp.clip(y + usable * step_y * norm_y / amplitude, -limit, limit)
    return xp.stack([x, y], -1)


def _make_template(distances: Any, precision: Any, xp: ModuleType) -> Any:
    """Distances (M, n) -> g, g' without its part along g, sum g^2 / sum g'^2."""
    g = xp.exp(distances**2 * precision * -0.5)
    derivative = g * distances * precision
    energy = (g * g).sum(1)
    derivative = derivative - g * ((derivative * g).sum(1) / energy)[:, None]
    return g, derivative, energy / (derivative * derivative).sum(1)


def decode_heatmaps(
    heatmaps: torch.Tensor | np.ndarray, sigmas: np.ndarray | None
) -> tuple[FloatArray, FloatArray]:
    """Maps (B, K, H, W) -> positions (B, K, 2) in cells, scores (B, K), both float32.

    The score is the map's largest value. A map whose largest value is not positive has
    no peak: its joint is at (-1, -1), as MMPose marks it, its score that value. A map that
    holds NaN or +inf is no prediction: (-1, -1) and score 0.

    Args:
        heatmaps: any float dtype, on any device.
        sigmas: (K,) or (1,) in cells: refine each joint by its own Gaussian; None: by a
            quarter cell.
    """
    if isinstance(heatmaps, torch.Tensor):
        heatmaps = heatmaps.detach().float().cpu().numpy()
    batch, joints, height, width = heatmaps.shape
    maps = np.ascontiguousarray(heatmaps, dtype=np.float32).reshape(-1, height * width)
    index, scores = find_peaks(maps)
    found = (scores > 0) & np.isfinite(scores)
    peaks = np.stack([index % width, index // width], 1).astype(np.float32)
    if sigmas is None:
        peaks += refine_quarter(maps, index, width)
    else:
        side = 2 * int(np.ceil(1.5 * np.max(sigmas))) + 1
        windows, origins = cut_windows(maps, index, width, side)
        height_of_peak = np.where(found, scores, 1)[:, None, None]
        with np.errstate(invalid='ignore', over='ignore'):
            windows = np.clip(np.nan_to_num(windows / height_of_peak), -1, 1)
        per_map = np.broadcast_to(sigmas.astype(np.float32), (batch, joints)).ravel()
        peaks += refine_matched(windows, origins.astype(np.float32), peaks, per_map)
    peaks[~found] = -1
    scores = np.where(np.isfinite(scores), scores, 0).astype(np.float32)
    return peaks.reshape(batch, joints, 2), scores.reshape(batch, joints)
