"""Heatmaps of Gaussians of one sigma -> the same maps at a larger one (numpy or torch).

A network trained on Gaussians of sigma s by mean squared error predicts, cell by cell,
``E[exp(-|x - X|^2 / (2 s^2))]``: how close to the joint X it expects a guess at x to be,
with a tolerance of s. A metric with another tolerance d (OKS has one for each kind of
joint) asks for the same expectation at sigma d. For d > s it follows from the map alone,
since a Gaussian of variance s^2 convolved with one of d^2 - s^2 is one of d^2:

    h_d = (d / s)^2 * (g * h_s),   g the Gaussian density of variance d^2 - s^2

The largest cell of h_d is the guess with the largest expected similarity, and its value
that similarity. That holds as far as the map is that expectation: a constant b that a
network leaves in the background of its maps becomes ``b (d / s)^2``, which raises scores
and draws joints near a border inwards. Choosing by expected OKS is also what ProbPose does
(Purkrabek and Matas, CVPR 2025, arXiv:2412.02254), from maps trained to be probabilities.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gm_pose.ops.array_types import ArrayT, get_namespace, is_tensor
from gm_pose.ops.device_tables import make_table
from gm_pose.ops.matched_fit import MIN_FITTED_SIGMA

# A kernel's spectrum is summed up at so many frequencies, or at twice as many as the map
# has cells: the sum repeats after twice their number of cells. 1e-6 of a peak is left.
NUM_FREQUENCIES = 512


@dataclass(frozen=True, eq=False)
class Blur:
    """What `blur_heatmaps` multiplies the maps of J joints by.

    Attributes:
        joints: (J,) indices of the joints that are blurred, None for every joint.
        columns: (J, H, H), or (1, H, H) for every joint; float32.
        rows: (J, W, W), or (1, W, W), the amplitude (d / s)^2 included; float32.
    """

    joints: NDArray[np.int64] | None
    columns: NDArray[np.float32]
    rows: NDArray[np.float32]


def make_kernels(size: int, variances: NDArray[np.float64]) -> NDArray[np.float64]:
    """Cells of a map's side, variances (J,) in cells^2 -> values (J, size) by distance.

    The Gaussian cut at the highest frequency that cells can show. Its convolution with a
    sampled Gaussian is the sampled larger one, also where the variance is far below a cell
    (a sampled kernel is off there). What is left is due to what the small Gaussian has
    above that frequency: 2e-4 of a peak of 1 from s = 1 to 1.2, 1e-3 from 0.84 to 1.2,
    nothing to speak of from s = 2 on or to 2 s.
    """
    count = max(NUM_FREQUENCIES, 2 * size)
    frequencies = (np.arange(count) + 0.5) * np.pi / count
    spectra = np.exp(-0.5 * variances[:, None] * frequencies**2)
    waves = np.cos(frequencies[:, None] * np.arange(size))
    return np.asarray(spectra @ waves / count)


def make_blur(
    sigmas: NDArray[np.float64],
    decode_sigmas: NDArray[np.float64],
    heatmap_size: tuple[int, int],
) -> Blur | None:
    """Sigmas of the maps, sigmas to read them at -> factors, None if nothing is blurred.

    A map cannot be made sharper: joints whose decode sigma is at most their sigma stay as
    they are. Sigmas below `MIN_FITTED_SIGMA` count as that one, as in the fit: cells say
    little about smaller Gaussians, and nothing about their amplitude.

    Args:
        sigmas: (K,), or (1,) for all joints, in cells.
        decode_sigmas: (K,) or (1,), in cells.
        heatmap_size: [W, H].

    Example:
        >>> blur = make_blur(np.array([1.0, 2.0]), np.array([2.0]), (48, 64))
        >>> blur.joints.tolist(), blur.columns.shape, blur.rows.shape
        ([0], (1, 64, 64), (1, 48, 48))
    """
    before, after = np.broadcast_arrays(
        np.maximum(sigmas, MIN_FITTED_SIGMA), decode_sigmas
    )
    blurred = (after > before).nonzero()[0]
    if not len(blurred):
        return None
    joints = None if len(before) == 1 else blurred
    before, after = before[blurred], after[blurred]
    sides = []
    for side in heatmap_size:
        distance = np.abs(np.subtract.outer(np.arange(side), np.arange(side)))
        sides.append(make_kernels(side, after**2 - before**2)[:, distance])
    rows, columns = sides
    rows *= ((after / before) ** 2)[:, None, None]
    # C order: numpy multiplies what indexing leaves without BLAS, over 20 times slower
    laid_out = [f.astype(np.float32, order='C') for f in (columns, rows)]
    return Blur(joints, *laid_out)


def blur_heatmaps(maps: ArrayT, blur: Blur) -> ArrayT:
    """Maps (B, K, H, W) float32 -> maps at the larger sigmas, same shape and kind.

    Cells outside the map count as zero. So a joint whose own Gaussian is cut by a border
    is drawn inwards, at most to the mean of the part that is left: by ``s phi(q) / Phi(q)``
    for a joint q s inside (the normal density and distribution), which is 0.80 s on the
    border itself, 0.29 s one s inside, 0.06 s two, and 1.53 s one s outside.

    Example:
        >>> from gm_pose.ops import draw_exact, make_exact_grid
        >>> joint, size = np.array([[20.0, 30.0]]), (48, 64)
        >>> grid = make_exact_grid([2.0], size)
        >>> maps, _ = draw_exact(joint, np.array([True]), grid, size)
        >>> blur = make_blur(np.array([2.0]), np.array([4.0]), size)
        >>> blurred = blur_heatmaps(maps[None], blur)[0, 0]
        >>> print(blurred[30, [20, 24, 28]].round(3))  # exp(-d^2 / (2 4^2))
        [1.    0.607 0.135]
    """
    if not is_tensor(maps):
        return _multiply(maps, blur.columns, blur.rows, blur.joints)
    torch = get_namespace(maps)
    columns, rows, joints = make_table(maps, _list_factors, blur)
    # decoding needs float32 also where a network runs in mixed precision
    with torch.autocast(maps.device.type, enabled=False):
        return _multiply(maps, columns, rows, joints)


def _list_factors(
    blur: Blur,
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.int64] | None]:
    return blur.columns, blur.rows, blur.joints


def _multiply(
    maps: ArrayT, columns: ArrayT, rows: ArrayT, joints: ArrayT | None
) -> ArrayT:
    if joints is None:
        return columns @ maps @ rows
    blurred = maps.clone() if is_tensor(maps) else maps.copy()
    blurred[:, joints] = columns @ maps[:, joints] @ rows
    return blurred
