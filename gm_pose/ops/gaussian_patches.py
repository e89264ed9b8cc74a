"""Targets centred on a cell, pasted from ready-made patches (pure numpy).

The patch of a rounded centre does not depend on the place: it is made once per joint.
Positions are (K, 2) in [x, y] order and in cells, sizes [W, H], maps (K, H, W) float32.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from gm_pose.ops.array_types import BoolArray, FloatArray


def make_patch(sigma: float, radius: float) -> NDArray[np.float32]:
    """Sigma, radius in cells -> (side, side) ``exp(-((x-c)^2 + (y-c)^2) / (2 s^2))``.

    ``side = ceil(2 radius + 1)`` and ``c = floor((2 radius + 1) / 2)``, in float32 and in
    MMPose's order of operations, so that equal arguments give equal bits.
    """
    side = 2 * radius + 1
    x = np.arange(0, side, 1, dtype=np.float32)
    center = side // 2
    distance = (x - center) ** 2
    return np.exp(-(distance + distance[:, None]) / (2 * float(sigma) ** 2))


@dataclass(frozen=True, eq=False)
class Patches:
    """Ready-made patches of rounded Gaussians: their shape does not depend on the place.

    P is the side of the largest patch, 2 floor(3 s) + 1 cells.

    Attributes:
        canvases: (K, 3 P + 2, 3 P + 2) float32: the patch of joint k with its first cell
            at (P + 1, P + 1) and zeros around. A window of P x P cells cut from it is the
            patch moved, as a border of the map cuts it.
        radii: (K, 1), floor(3 s) cells.
        lowest: (1,), -(P + 1), where a patch's first cell may be moved without change:
            nothing of it is inside the map either way.
        highest: (2,), the same on the other side, [x, y].
        first_start: (1,), 0, the first cell where a window inside the map can start.
        last_start: (2,), the last one.
        sides: (K, 1) int64, 2 floor(3 s) + 1 cells.
        ends: (K, 2) uint64: where a patch ends that begins right outside the map.
    """

    canvases: NDArray[np.float32]
    radii: NDArray[np.float32]
    lowest: NDArray[np.float32]
    highest: NDArray[np.float32]
    first_start: NDArray[np.int64]
    last_start: NDArray[np.int64]
    sides: NDArray[np.int64]
    ends: NDArray[np.uint64]


def make_patches(sigmas: Sequence[float], heatmap_size: tuple[int, int]) -> Patches:
    """Sigmas (K,) in cells, map size [W, H] -> what `draw_rounded` pastes."""
    radii = [int(3 * float(sigma)) for sigma in sigmas]
    side = 2 * max(radii) + 1
    canvases = np.zeros((len(radii), 3 * side + 2, 3 * side + 2), np.float32)
    for canvas, sigma, radius in zip(canvases, sigmas, radii, strict=True):
        patch = make_patch(float(sigma), float(radius))
        end = side + 1 + len(patch)
        canvas[side + 1 : end, side + 1 : end] = patch
    size = np.array(heatmap_size)
    column = np.array(radii)[:, None]
    last_start = np.maximum(size - side, 0)
    return Patches(
        canvases=canvases,
        radii=column.astype(np.float32),
        lowest=np.array([-(side + 1)], dtype=np.float32),
        highest=(last_start + side + 1).astype(np.float32),
        first_start=np.zeros(1, dtype=np.int64),
        last_start=last_start,
        sides=2 * column + 1,
        ends=(size + 2 * column + 1).astype(np.uint64),
    )


@lru_cache(maxsize=64)
def _spread(patches: Patches, count: int) -> Patches:
    """Patches -> the same with everything but the canvases spread to (count, 2).

    An operation on small arrays of one shape takes a third of the time of one that has
    to broadcast.
    """
    spread = {
        name: np.broadcast_to(value, (count, 2)).copy()
        for name, value in vars(patches).items()
        if name != 'canvases'
    }
    return replace(patches, **spread)


def draw_rounded(
    centers_cells: FloatArray,
    labelled: BoolArray,
    patches: Patches,
    heatmap_size: tuple[int, int],
) -> tuple[NDArray[np.float32], BoolArray]:
    """Joints (K, 2) in cells -> maps (K, H, W), and which joints overlap the map (K,).

    ``exp(-((X-c_x)^2 + (Y-c_y)^2) / (2 s^2))`` within floor(3 s) cells of the cell nearest
    the joint, ``c = floor(x + 0.5)``, wherever that is: the biased targets of Simple
    Baseline (Xiao et al., ECCV 2018). A joint overlaps the map when it is labelled and its
    patch touches the map; as MMPose has it, a patch that ends right before the first column
    or row counts too, with an empty map. The maps of all other joints are zero.

    Args:
        centers_cells: joint positions; only those of labelled joints must be finite.
        labelled: (K,) joints to draw.
        patches: one patch per joint, or a single one for all.
        heatmap_size: [W, H].

    Example:
        >>> joints, labelled = np.array([[3.4, 2.0], [-9.0, 2.0]]), np.array([True, True])
        >>> patches = make_patches([0.7, 0.7], (6, 5))
        >>> maps, overlaps_map = draw_rounded(joints, labelled, patches, (6, 5))
        >>> print(maps[0, 2].round(2), overlaps_map)
        [0.   0.02 0.36 1.   0.36 0.02] [ True False]
    """
    width, height = heatmap_size
    count = len(centers_cells)
    patches = _spread(patches, count)
    # the sum in the dtype given: float32 rounds 0.49999997 + 0.5 to 1, as in MMPose
    corner = centers_cells + 0.5
    np.floor(corner, corner)
    np.subtract(corner, patches.radii, corner)
    if np.count_nonzero(labelled) < count:
        corner[~labelled] = patches.lowest[0]
    np.maximum(corner, patches.lowest, corner)
    np.minimum(corner, patches.highest, corner)
    first = corner.astype(np.int64)
    # 0 <= end and first < size in one comparison: a negative end wraps round
    touches = (first + patches.sides).view(np.uint64) < patches.ends
    overlaps_map = touches[:, 0] & touches[:, 1] & labelled

    # Every window goes to where it is wholly inside the map, and carries the part of its
    # canvas that belongs there: no case for borders, and no loop.
    placed = np.maximum(first, patches.first_start)
    np.minimum(placed, patches.last_start, placed)
    side = patches.canvases.shape[1] // 3
    source = placed - first
    source += side + 1
    h, w = min(side, height), min(side, width)
    joints = np.arange(count)
    kinds = joints if len(patches.canvases) > 1 else 0
    windows = _view_windows(patches.canvases, h, w)[kinds, source[:, 1], source[:, 0]]
    heatmaps = np.zeros((count, height, width), dtype=np.float32)
    _view_windows(heatmaps, h, w)[joints, placed[:, 1], placed[:, 0]] = windows
    return heatmaps, overlaps_map


def _view_windows(maps: NDArray[np.float32], h: int, w: int) -> NDArray[np.float32]:
    """Contiguous maps (K, H, W) -> (K, H-h+1, W-w+1, h, w), all windows as a view."""
    count, height, width = maps.shape
    step_k, step_y, step_x = maps.strides
    return np.ndarray(  # what as_strided does, in a fifth of its time
        (count, height - h + 1, width - w + 1, h, w),
        maps.dtype,
        maps,
        strides=(step_k, step_y, step_x, step_y, step_x),
    )
