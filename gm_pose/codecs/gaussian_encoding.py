"""Joint positions in heatmap cells -> Gaussian target maps (pure numpy).

Three ways to place a Gaussian of sigma s (cells) for a joint at (x, y) (cells):

* rounded: centred on the cell nearest the joint, cut at floor(3s) cells on each side;
* msra: as the MSRA generator of MMPose pastes it, one cell off for most sigmas;
* exact: centred on (x, y) itself, not cut.

Positions are (K, 2) in [x, y] order, sizes [W, H], maps (K, H, W) float32.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

Array = NDArray[np.floating]

# Positions further out than this many cells are moved there before they become integers
# (float -> int64 is undefined beyond 2**63); nothing is drawn at either place.
_FAR_CELLS = 1e6

# exp(-40) = 4e-18 is far below one float32 step at 1, and the product of two such numbers
# is still a normal float32: cutting each axis here keeps subnormal numbers, which take
# a hundred times longer to multiply, out of the outer product.
_MAX_EXPONENT = 40.0


@dataclass(frozen=True)
class Stamps:
    """Ready-made Gaussian patches, one per joint, and how they are placed.

    Attributes:
        patches: per joint (P_k, P_k) float32; a cell that the paste keeps of an unclipped
            patch counts from its upper left corner.
        padded: (K, P, P) float32, the same patches on zeros, P the widest extent.
        radii: (K, 1) the cut in cells: floor(3 s) when rounded, 3 s for msra.
        is_msra: whether corners are rounded as the MSRA generator rounds them.
    """

    patches: tuple[NDArray[np.float32], ...]
    padded: NDArray[np.float32]
    radii: Array
    is_msra: bool


def make_stamps(sigmas: Sequence[float], alignment: str) -> Stamps:
    """Sigmas in cells (K,) -> patches ``exp(-(dx^2 + dy^2) / (2 s^2))``.

    Args:
        sigmas: one per joint.
        alignment: 'centered': the centre is the middle cell of 2 floor(3s) + 1 cells.
            'msra': side ceil(6s + 1), centre index floor((6s + 1) / 2), which is not
            where `draw_stamps` pastes it unless 3s is whole.
    """
    patches, extents, radii = [], [], []
    for sigma in map(float, sigmas):
        radius = sigma * 3 if alignment == 'msra' else float(int(sigma * 3))
        side = 2 * radius + 1
        # float32 throughout and the same order of operations as MMPose: bit-equal
        x = np.arange(0, side, 1, dtype=np.float32)
        y = x[:, None]
        x0 = y0 = side // 2
        patch = np.exp(-((x - x0) ** 2 + (y - y0) ** 2) / (2 * sigma**2))
        # away from the borders the paste covers [mu - ceil(r), mu + floor(r)]
        extent = ceil(radius) + int(radius) + 1
        patches.append(patch.astype(np.float32, copy=False))
        extents.append(extent)
        radii.append(radius)
    padded = np.zeros((len(patches), max(extents), max(extents)), np.float32)
    for canvas, patch, extent in zip(padded, patches, extents, strict=True):
        canvas[:extent, :extent] = patch[:extent, :extent]
    return Stamps(
        tuple(patches), padded, np.array(radii)[:, None], is_msra=alignment == 'msra'
    )


def draw_stamps(
    centers_cells: Array,
    labelled: NDArray[np.bool_],
    stamps: Stamps,
    heatmap_size: tuple[int, int],
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Joints (K, 2) in cells -> maps (K, H, W), and which joints are in reach (K,).

    A joint is in reach when it is labelled and its patch touches the map. As MMPose has
    it, a patch that ends exactly one cell outside the left or top border counts too, with
    an empty map. Maps of all other joints are zero.

    Args:
        centers_cells: joint positions; only those of labelled joints must be finite.
        labelled: (K,) joints to draw.
        stamps: one patch per joint, or a single one for all.
        heatmap_size: [W, H].
    """
    width, height = heatmap_size
    count = len(centers_cells)
    heatmaps = np.zeros((count, height, width), dtype=np.float32)
    # the sum in the dtype given: float32 rounds 0.49999997 + 0.5 to 1, as in MMPose
    shifted = centers_cells + 0.5
    if not labelled.all():
        shifted = np.where(labelled[:, None], shifted, 0)
    shifted = shifted.clip(-_FAR_CELLS, _FAR_CELLS)
    if stamps.is_msra:
        mu = np.trunc(shifted)  # towards zero: one more cell off outside left and top
        first = np.trunc(mu - stamps.radii).astype(np.int64)
        last = np.trunc(mu + stamps.radii + 1).astype(np.int64)
    else:
        mu = np.floor(shifted)
        first = (mu - stamps.radii).astype(np.int64)
        last = (mu + stamps.radii + 1).astype(np.int64)

    size = np.array(heatmap_size)
    in_reach = labelled & ((first < size) & (last >= 0)).all(1)
    side = stamps.padded.shape[1]
    # strictly: at first == 0 the MSRA truncation may have moved the corner
    whole = in_reach & ((first > 0) & (first <= size - side)).all(1)
    if whole.any():
        step_k, step_y, step_x = heatmaps.strides
        windows = as_strided(
            heatmaps,
            (count, height - side + 1, width - side + 1, side, side),
            (step_k, step_y, step_x, step_y, step_x),
        )
        joints = whole.nonzero()[0]
        source = stamps.padded if len(stamps.padded) == 1 else stamps.padded[joints]
        windows[joints, first[joints, 1], first[joints, 0]] = source
    for k in (in_reach & ~whole).nonzero()[0].tolist():
        (left, top), (right, bottom) = first[k].tolist(), last[k].tolist()
        x_from, x_to = max(0, left), min(width, right)
        y_from, y_to = max(0, top), min(height, bottom)
        patch = stamps.patches[k if len(stamps.patches) > 1 else 0]
        heatmaps[k, y_from:y_to, x_from:x_to] = patch[
            y_from - top : max(y_to - top, 0), x_from - left : max(x_to - left, 0)
        ]
    return heatmaps, in_reach


def draw_exact(
    centers_cells: Array,
    labelled: NDArray[np.bool_],
    sigmas: Array,
    heatmap_size: tuple[int, int],
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Joints (K, 2) in cells -> maps ``exp(-((X-x)^2 + (Y-y)^2) / (2 s^2))``, in reach.

    The exponential of a sum is an outer product of two 1-D Gaussians, W + H exponentials
    instead of W * H. Not cut at 3 sigma, like DARK's targets: a cut would bias the fit of
    a joint near a border. A joint is in reach when it is labelled and lies no further
    than 3 sigma outside the map (plus one cell left and top, as MMPose has it); the maps
    of all other joints are zero.

    Args:
        centers_cells: joint positions; only those of labelled joints must be finite.
        labelled: (K,) joints to draw.
        sigmas: (K,) or (1,) in cells.
        heatmap_size: [W, H].
    """
    width, height = heatmap_size
    if not labelled.all():
        centers_cells = np.where(labelled[:, None], centers_cells, 0)
    reach = 3 * sigmas[:, None]
    size = np.array(heatmap_size)
    in_reach = labelled & (
        ((centers_cells - reach < size) & (centers_cells + reach + 1 >= 0)).all(1)
    )
    # float64 up to the two factors, so that only three float32 roundings remain
    precision = 1 / (2 * sigmas[:, None] ** 2)
    cells = np.arange(max(size), dtype=np.float64)
    factors = []
    for axis, length in enumerate((width, height)):
        exponent = (cells[:length] - centers_cells[:, axis, None]) ** 2 * precision
        factor = np.exp(-exponent)
        factor *= exponent < _MAX_EXPONENT
        factors.append(factor.astype(np.float32))
    factors[0] *= in_reach[:, None]
    return np.einsum('kx,ky->kyx', *factors), in_reach


def compute_balance_weights(sigmas: Sequence[float]) -> NDArray[np.float32]:
    """Sigmas (K,) -> loss weights ``(1 / s_k^2) / mean_j(1 / s_j^2)``, of mean 1.

    The energy of a target map is ``sum h^2 = pi s^2`` (its integral over the plane), so
    under a plain MSE the joint with the widest Gaussian has the largest say, and a sigma
    table is a loss-weight table in disguise. These weights give every joint the energy of
    every other; their mean of 1 keeps the learning rate's meaning.
    """
    inverse = 1 / np.square(np.asarray(sigmas, dtype=np.float64))
    return (inverse / inverse.mean()).astype(np.float32)
