"""Predicted heatmaps -> joint positions and scores (numpy or torch).

N maps at once (B x K), flattened to (N, H * W), in [x, y] order and in cells where
positions are meant; no function loops over maps. What does not depend on the values is
looked up in tables by the peak's cell.
"""

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gm_pose.ops.array_types import Array, ArrayT, get_namespace, is_tensor
from gm_pose.ops.device_tables import make_table
from gm_pose.ops.heatmap_blur import Blur, blur_heatmaps
from gm_pose.ops.matched_fit import choose_side, list_fit_sigmas, refine_matched


def find_peaks(maps: ArrayT) -> tuple[ArrayT, ArrayT, ArrayT]:
    """Maps (N, H*W) -> first largest cell: index in its map, in all maps, value; (N,).

    A NaN counts as the largest value, which is how it is noticed.
    """
    if is_tensor(maps):
        torch = get_namespace(maps)
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


@lru_cache(maxsize=64)
def list_window_cells(h: int, w: int, width: int) -> NDArray[np.int64]:
    """Size of a window, W -> (h, w, 1) steps from its first cell to each of its cells."""
    return np.arange(h)[:, None, None] * width + np.arange(w)[:, None]


def refine_quarter(maps: ArrayT, index: ArrayT, start: ArrayT, width: int) -> ArrayT:
    """Maps (N, H*W), peaks (N,) -> offsets [x, y] (2, N): a quarter cell uphill, or 0.

    ``0.25 sign(h(x + 1) - h(x - 1))`` per axis, as Simple Baseline has it.

    Args:
        maps: (N, H*W).
        index: (N,) of the peak in its map.
        start: (N,) of the peak in all maps.
        width: W.
    """
    height = maps.shape[1] // width
    steps = _take(make_table(maps, list_quarter_steps, height, width), index)
    flat = maps.reshape(-1)
    after, before = _take(flat, start + steps), _take(flat, start - steps)
    # compared, not subtracted: -inf on both sides is no offset, not NaN
    if is_tensor(maps):
        return 0.25 * ((after > before).float() - (after < before).float())
    uphill = np.subtract(after > before, after < before, dtype=np.float32)
    uphill *= 0.25
    return uphill


def cut_windows(
    maps: ArrayT, index: ArrayT, start: ArrayT, width: int, side: int
) -> tuple[ArrayT, ArrayT, ArrayT]:
    """Maps (N, H*W), peaks (N,) -> windows (h, w, N) and where they begin.

    h = min(side, H) and w = min(side, W). Near a border the window is moved inwards, so
    that it never holds a cell that is not in the map.

    Args:
        maps, index, start, width: as `refine_quarter` has them.
        side: of the windows, odd.

    Returns:
        Windows, and their first column and row (N,), counted from the peak.
    """
    height = maps.shape[1] // width
    w, h = min(side, width), min(side, height)
    corners, first = make_table(maps, list_windows, height, width, side)
    corner = start + _take(corners, index)
    left, top = _take(first, index)
    flat = maps.reshape(-1)
    if is_tensor(maps):
        cells_of_window = make_table(maps, list_window_cells, h, w, width)
        return flat[cells_of_window + corner], left, top
    windows = np.empty((h, w, len(corner)), np.float32)
    cells = np.arange(w)[:, None] + corner
    for row in range(h):  # of the window: one list of cells serves all its rows
        flat[row * width :].take(cells, mode='clip', out=windows[row])
    return windows, left, top


def _take(table: ArrayT, index: ArrayT) -> ArrayT:
    """Values (..., N) at indices of any shape, all valid -> (..., *index.shape)."""
    if is_tensor(index):
        return table[..., index]
    return table.take(index, axis=-1, mode='clip')  # spares the check of the indices


def _read_maps(heatmaps: Array) -> Array:
    """Maps -> the same as float32, of numpy unless they are on a GPU."""
    if not is_tensor(heatmaps):
        return np.asarray(heatmaps, dtype=np.float32)
    if heatmaps.requires_grad:
        heatmaps = heatmaps.detach()
    heatmaps = heatmaps.float()
    return heatmaps.numpy() if _is_on_cpu(heatmaps) else heatmaps


def _is_on_cpu(heatmaps: Array) -> bool:
    return not is_tensor(heatmaps) or heatmaps.device.type == 'cpu'


def decode_heatmaps(
    heatmaps: Array,
    sigmas: NDArray[np.float64] | None = None,
    cell_size: NDArray[np.floating] | tuple[float, float] = (1, 1),
    blur: Blur | None = None,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Maps (B, K, H, W) -> positions (B, K, 2), scores (B, K), both float32.

    The score is the map's largest value. A map whose largest value is not positive has
    no peak: its joint is at (-1, -1) cells, as MMPose marks it, its score that value. A
    map that holds NaN or +inf is no prediction: (-1, -1) cells and score 0; nor is one that
    is blurred and holds -inf, whose score is 0 or -inf.

    On a GPU only the results leave the device. On the CPU numpy takes over: its argmax
    over float32 rows is ten times faster than torch's.

    Args:
        heatmaps: any float dtype, on any device.
        sigmas: (K,) or (1,) in cells: refine each joint by its own Gaussian; None: by a
            quarter cell.
        cell_size: (2,) width and height of a cell in the unit of the positions.
        blur: blurs maps before they are read; `sigmas` are those it leads to.

    Example:
        A joint at (20.3, 30.6) cells of 4 x 4 px, there and back:

        >>> from gm_pose.ops import draw_exact, make_exact_grid
        >>> joint, size = np.array([[20.3, 30.6]]), (48, 64)
        >>> grid = make_exact_grid([2.0], size)
        >>> maps, _ = draw_exact(joint, np.array([True]), grid, size)
        >>> positions, scores = decode_heatmaps(maps[None], np.array([2.0]), (4, 4))
        >>> print(positions[0].round(2), scores[0].round(2))
        [[ 81.2 122.4]] [0.97]
    """
    batch, joints, height, width = heatmaps.shape
    maps: Any = _read_maps(heatmaps)
    if blur is not None:
        with np.errstate(invalid='ignore', over='ignore'):  # `found` discards those
            maps = blur_heatmaps(maps, blur)
    maps = maps.reshape(-1, height * width)
    index, start, scores = find_peaks(maps)
    if sigmas is None:
        offsets = refine_quarter(maps, index, start, width)
    else:
        table = tuple(sigmas.tolist())
        windows, left, top = cut_windows(maps, index, start, width, choose_side(table))
        # -inf, or a fall far below zero, counts no more than the peak itself
        get_namespace(maps).maximum(windows, -scores, out=windows)
        fit = make_table(maps, list_fit_sigmas, table, len(maps))
        # maps that are not finite may make NaN here; `found` discards them
        with np.errstate(divide='ignore', invalid='ignore', over='ignore'):
            offsets = refine_matched(windows, left, top, fit)
    columns, rows = _take(make_table(maps, list_cells, height, width), index)
    x, y = columns + offsets[0], rows + offsets[1]
    if is_tensor(maps):
        x, y, scores = get_namespace(maps).stack([x, y, scores]).cpu().numpy()
    positions = np.empty((len(scores), 2), np.float32)
    # per axis: a third of the time of one product with (2,)
    for axis, cells in enumerate((x, y)):
        np.multiply(cells, np.float32(cell_size[axis]), out=positions[:, axis])
    found = (scores > 0) & (scores < np.inf)
    if not found.all():
        positions[~found] = -np.asarray(cell_size, dtype=np.float32)
        scores = np.where(found | (scores <= 0), scores, np.float32(0))
    return positions.reshape(batch, joints, 2), scores.reshape(batch, joints)
