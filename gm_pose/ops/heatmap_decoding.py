"""Predicted heatmaps -> joint positions and scores (pure numpy and torch).

M maps at once, flattened to (M, H * W), in [x, y] order and in cells where positions are
meant; no function loops over maps. What does not depend on the values is looked up in
tables by the peak's cell. Arrays are numpy's or torch's.
"""

from functools import lru_cache
from types import ModuleType
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from gm_pose.ops.heatmap_blur import Blur, blur_heatmaps
from gm_pose.ops.matched_fit import (
    FitSigmas,
    choose_side,
    list_fit_sigmas,
    refine_matched,
)

FloatArray = NDArray[np.float32]


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
        (H*W,) steps from the peak to the window's first cell, and (2, H*W) that cell's
        column and row, counted from the peak.
    """
    y, x = np.divmod(np.arange(height * width), width)
    left = (x - side // 2).clip(0, max(width - side, 0)) - x
    top = (y - side // 2).clip(0, max(height - side, 0)) - y
    return top * width + left, np.stack([left, top]).astype(np.float32)


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
    that it never holds a cell that is not in the map.

    Args:
        maps, index, start, width: as `refine_quarter` has them.
        side: of the windows, odd.

    Returns:
        Windows, and their first column and row (M,), counted from the peak.
    """
    height = maps.shape[1] // width
    w, h = min(side, width), min(side, height)
    corners, first = list_windows(height, width, side)
    corner = start + _take(corners, index)
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


def _read_maps(heatmaps: torch.Tensor | np.ndarray) -> Any:
    """Maps -> the same as float32, of numpy unless they are on a GPU."""
    if not isinstance(heatmaps, torch.Tensor):
        return np.asarray(heatmaps, dtype=np.float32)
    if heatmaps.requires_grad:
        heatmaps = heatmaps.detach()
    if heatmaps.dtype is not torch.float32:
        heatmaps = heatmaps.float()
    return heatmaps.numpy() if _is_on_cpu(heatmaps) else heatmaps


def _is_on_cpu(tensor: torch.Tensor) -> bool:
    return tensor.device.type == 'cpu'


def decode_heatmaps(
    heatmaps: torch.Tensor | np.ndarray,
    sigmas: np.ndarray | None,
    cell_size: np.ndarray | tuple[float, float] = (1, 1),
    blur: Blur | None = None,
) -> tuple[FloatArray, FloatArray]:
    """Maps (B, K, H, W) -> positions (B, K, 2), scores (B, K), both float32.

    The score is the map's largest value. A map whose largest value is not positive has
    no peak: its joint is at (-1, -1) cells, as MMPose marks it, its score that value. A
    map that holds NaN or +inf is no prediction: (-1, -1) cells and score 0; nor is one that
    is widened and holds -inf, whose score is 0 or -inf.

    On a GPU only the results leave the device. On the CPU numpy takes over: its argmax
    over float32 rows is ten times faster than torch's.

    Args:
        heatmaps: any float dtype, on any device.
        sigmas: (K,) or (1,) in cells: refine each joint by its own Gaussian; None: by a
            quarter cell.
        cell_size: (2,) width and height of a cell in the unit of the positions.
        blur: makes maps wider before they are read; `sigmas` are those it leads to.
    """
    batch, joints, height, width = heatmaps.shape
    maps = _read_maps(heatmaps)
    xp: ModuleType = torch if isinstance(maps, torch.Tensor) else np
    if blur is not None:
        with np.errstate(invalid='ignore', over='ignore'):  # `found` discards those
            maps = blur_heatmaps(maps, blur, xp)
    maps = maps.reshape(-1, height * width)
    index, start, scores = find_peaks(maps)
    if sigmas is None:
        offsets = refine_quarter(maps, index, start, width)
    else:
        table = tuple(sigmas.tolist())
        windows, left, top = cut_windows(maps, index, start, width, choose_side(table))
        # -inf, or a fall far below zero, counts no more than the peak itself
        xp.maximum(windows, -scores, out=windows)
        widths = list_fit_sigmas(table, len(maps))
        if xp is torch:
            widths = FitSigmas(*(torch.tensor(w, device=maps.device) for w in widths))
        # maps that are not finite may make NaN here; `found` discards them
        with np.errstate(divide='ignore', invalid='ignore', over='ignore'):
            offsets = refine_matched(windows, left, top, widths, xp)
    columns, rows = _take(list_cells(height, width), index)
    x, y = columns + offsets[0], rows + offsets[1]
    if xp is torch:
        x, y, scores = torch.stack([x, y, scores]).cpu().numpy()
    positions = np.empty((len(scores), 2), np.float32)
    # per axis: a third of the time of one product with (2,)
    for axis, cells in enumerate((x, y)):
        np.multiply(cells, np.float32(cell_size[axis]), out=positions[:, axis])
    found = (scores > 0) & (scores < np.inf)
    if not found.all():
        positions[~found] = -np.asarray(cell_size, dtype=np.float32)
        scores = np.where(found | (scores <= 0), scores, np.float32(0))
    return positions.reshape(batch, joints, 2), scores.reshape(batch, joints)
