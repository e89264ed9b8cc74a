"""Joint positions in heatmap cells -> Gaussian target maps (pure numpy).

Three ways to place a Gaussian of sigma s (cells) for a joint at (x, y) (cells):

* rounded: centred on the cell nearest the joint, cut at floor(3s) cells on each side (in
  gaussian_patches.py);
* legacy MSRA: as MMPose's MSRA generator pastes it, one cell off for half of all sigmas;
* exact: centred on (x, y) itself, not cut.

Positions are (K, 2) in [x, y] order, sizes [W, H], maps (K, H, W) float32.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gm_pose.ops.array_types import BoolArray, FloatArray
from gm_pose.ops.gaussian_patches import make_patch

# Positions further out than this many cells are moved there before they become integers
# (float -> int64 is undefined beyond 2**63); nothing is drawn at either place.
_FAR_CELLS = 1e6

# Factors of the outer product end at exp(-40) = 4e-18, a hundred-millionth of what float32
# resolves at 1; the product of two is still a normal number. Subnormal ones, which would
# follow, take a hundred times longer to multiply.
MAX_EXPONENT = 40.0


def draw_legacy_msra(
    centers_cells: FloatArray,
    labelled: BoolArray,
    sigmas: Sequence[float],
    heatmap_size: tuple[int, int],
) -> tuple[NDArray[np.float32], BoolArray]:
    """Like `draw_rounded`, with the misplacement of MMPose's MSRA generator, bit for bit.

    Only to reproduce results that were published with it. The patch's centre index is
    floor((6 s + 1) / 2), but its first cell is pasted at trunc(trunc(x + 0.5) - 3 s): one
    cell too far up-left for 0 < frac(3 s) < 0.5, one too far down-right at the left and top
    border for any other 3 s that is not whole.

    Args:
        centers_cells: joint positions (K, 2).
        labelled: (K,) joints to draw.
        sigmas: (K,), or (1,) for all joints, in cells.
        heatmap_size: [W, H].

    Example:
        >>> maps, _ = draw_legacy_msra(np.array([[20.0, 15.0]]), np.array([True]), [1.1],
        ...                            (48, 64))
        >>> print(*divmod(maps[0].argmax(), 48))  # row and column of the peak, not 15 20
        14 19
    """
    width, height = heatmap_size
    heatmaps = np.zeros((len(centers_cells), height, width), dtype=np.float32)
    overlaps_map = labelled.copy()
    shifted = np.where(labelled[:, None], centers_cells + 0.5, 0)
    nearest = np.trunc(shifted.clip(-_FAR_CELLS, _FAR_CELLS)).tolist()
    for k in labelled.nonzero()[0].tolist():
        sigma = float(sigmas[k if len(sigmas) > 1 else 0])
        radius = sigma * 3
        left, top = (int(mu - radius) for mu in nearest[k])
        right, bottom = (int(mu + radius + 1) for mu in nearest[k])
        if left >= width or top >= height or right < 0 or bottom < 0:
            overlaps_map[k] = False
            continue
        x_from, x_to = max(0, left), min(width, right)
        y_from, y_to = max(0, top), min(height, bottom)
        patch = make_patch(sigma, radius)
        heatmaps[k, y_from:y_to, x_from:x_to] = patch[
            y_from - top : y_to - top, x_from - left : x_to - left
        ]
    return heatmaps, overlaps_map


@dataclass(frozen=True)
class ExactGrid:
    """What `draw_exact` needs to know of sigmas and map size.

    Attributes:
        cells: (W + H,) the columns 0 ... W - 1, then the rows 0 ... H - 1.
        rates: (K, 1) ``-1 / (2 s^2)``.
        lowest: (K, 1) the least coordinate that overlaps the map, -(3 s + 1).
        highest: (K, 2) the first one beyond that does not, [W, H] + 3 s.
    """

    cells: NDArray[np.float64]
    rates: NDArray[np.float64]
    lowest: NDArray[np.float64]
    highest: NDArray[np.float64]


def make_exact_grid(
    sigmas: Sequence[float], heatmap_size: tuple[int, int]
) -> ExactGrid:
    """Sigmas (K,) in cells, map size [W, H] -> what `draw_exact` needs."""
    column = np.array(sigmas, dtype=np.float64)[:, None]
    return ExactGrid(
        cells=np.concatenate([np.arange(n, dtype=np.float64) for n in heatmap_size]),
        rates=-1 / (2 * column**2),
        lowest=-(3 * column + 1),
        highest=np.array(heatmap_size) + 3 * column,
    )


def draw_exact(
    centers_cells: FloatArray,
    labelled: BoolArray,
    grid: ExactGrid,
    heatmap_size: tuple[int, int],
) -> tuple[NDArray[np.float32], BoolArray]:
    """Joints (K, 2) in cells -> maps (K, H, W), and which joints overlap the map (K,).

    ``exp(-((X-x)^2 + (Y-y)^2) / (2 s^2))``, the unbiased targets of DARK (Zhang et al.,
    CVPR 2020, arXiv:1910.06278), as an outer product of two 1-D Gaussians: W + H
    exponentials instead of W * H. Not cut at 3 sigma: a cut would bias the fit of a joint
    near a border. A joint overlaps the map when it is labelled and lies no further than
    3 sigma outside (plus one cell left and top, as MMPose has it); the maps of all other
    joints are zero.

    Args:
        centers_cells: joint positions; only those of labelled joints must be finite.
        labelled: (K,) joints to draw.
        grid: of one sigma per joint, or of a single one for all.
        heatmap_size: [W, H].

    Example:
        >>> joints, labelled = np.array([[3.25, 2.0], [-9.0, 2.0]]), np.array([True, True])
        >>> grid = make_exact_grid([0.7, 0.7], (6, 5))
        >>> maps, overlaps_map = draw_exact(joints, labelled, grid, (6, 5))
        >>> print(maps[0, 2].round(2), overlaps_map)
        [0.   0.01 0.2  0.94 0.56 0.04] [ True False]
    """
    inside = (centers_cells >= grid.lowest) & (centers_cells < grid.highest)
    overlaps_map = inside[:, 0] & inside[:, 1] & labelled
    if not overlaps_map.all():
        centers_cells = np.where(overlaps_map[:, None], centers_cells, 0)
    # float64 up to the two factors, so that only three float32 roundings remain
    exponent = grid.cells - centers_cells.repeat(heatmap_size, axis=1)
    exponent *= exponent
    exponent *= grid.rates
    np.maximum(exponent, -MAX_EXPONENT, out=exponent)
    factors = np.exp(exponent, out=exponent).astype(np.float32)
    if not overlaps_map.all():
        factors[~overlaps_map] = 0
    width = heatmap_size[0]
    return np.einsum('kx,ky->kyx', factors[:, :width], factors[:, width:]), overlaps_map


def compute_balance_weights(sigmas: Sequence[float]) -> NDArray[np.float32]:
    """Sigmas (K,) -> loss weights ``(1 / s_k^2) / mean_j(1 / s_j^2)``, of mean 1.

    The energy of a target map is ``sum h^2 = pi s^2`` (its integral over the plane), so
    under a plain MSE the joint with the largest sigma weighs most, and a sigma table is a
    loss-weight table in disguise. These weights give every joint the energy of every other;
    their mean of 1 keeps the learning rate's meaning.

    Example:
        >>> print(compute_balance_weights([1.0, 2.0]))
        [1.6 0.4]
    """
    inverse = 1 / np.square(np.asarray(sigmas, dtype=np.float64))
    return (inverse / inverse.mean()).astype(np.float32)
