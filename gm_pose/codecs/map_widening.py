"""Heatmaps of one Gaussian width -> the same maps at a wider one (numpy or torch).

A network trained on Gaussians of width s by mean squared error predicts, cell by cell,
``E[exp(-|x - X|^2 / (2 s^2))]``: how close to the joint X it expects a guess at x to be,
with a tolerance of s. A metric with another tolerance d (OKS has one for each kind of
joint) asks for the same expectation at width d. For d > s it follows from the map alone,
since a Gaussian of variance s^2 convolved with one of d^2 - s^2 is one of d^2:

    h_d = (d / s)^2 * (g * h_s),   g the Gaussian density of variance d^2 - s^2

The largest cell of h_d is the guess with the largest expected similarity, and its value
that similarity. Choosing by expected OKS is also what ProbPose does (Purkrabek and Matas,
CVPR 2025, arXiv:2412.02254), from maps trained to be probabilities.
"""

from types import ModuleType
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

# Frequencies at which a kernel's spectrum is summed up: more than twice the largest map
NUM_FREQUENCIES = 4096


class Widening(NamedTuple):
    """What `widen_maps` multiplies maps of J joints by.

    Attributes:
        joints: (J,) indices of the joints that are widened, None for every joint.
        columns: (J, H, H), or (1, H, H) for every joint; float32.
        rows: (J, W, W), or (1, W, W), the amplitude (d / s)^2 included; float32.
    """

    joints: NDArray[np.int64] | None
    columns: NDArray[np.float32]
    rows: NDArray[np.float32]


def make_kernel(size: int, variance: float) -> NDArray[np.float64]:
    """Cells of a map's side, variance in cells^2 -> values at distances 0 .. size - 1.

    The Gaussian cut at the highest frequency that cells can show. Its convolution with a
    sampled Gaussian of width s is the sampled wider one, also where the variance is far
    below a cell (a sampled kernel is off there), but for what of s lies above that
    frequency: of a peak of 1 at most ``(d / s) erfc(pi s / sqrt 2)``, 0.002 at s = 1.
    """
    frequencies = (np.arange(NUM_FREQUENCIES) + 0.5) * np.pi / NUM_FREQUENCIES
    spectrum = np.exp(-0.5 * variance * frequencies**2)
    waves = np.cos(np.arange(size)[:, None] * frequencies)
    return np.asarray((waves * spectrum).mean(1))


def make_widening(
    sigmas: NDArray[np.float64],
    widths: NDArray[np.float64],
    heatmap_size: tuple[int, int],
) -> Widening | None:
    """Sigmas of the maps, widths to read them at -> factors, None if nothing is widened.

    A map cannot be made sharper: joints whose width is at most their sigma stay as they
    are.

    Args:
        sigmas: (K,), or (1,) for all joints, in cells.
        widths: (K,) or (1,), in cells.
        heatmap_size: [W, H].
    """
    sigmas, widths = np.broadcast_arrays(sigmas, widths)
    wider = (widths > sigmas).nonzero()[0]
    if not len(wider):
        return None
    sides = []
    for side in heatmap_size:
        distance = np.abs(np.subtract.outer(np.arange(side), np.arange(side)))
        variances = widths[wider] ** 2 - sigmas[wider] ** 2
        sides.append(np.stack([make_kernel(side, v)[distance] for v in variances]))
    rows, columns = sides
    rows *= ((widths[wider] / sigmas[wider]) ** 2)[:, None, None]
    joints = None if len(sigmas) == 1 else wider
    return Widening(joints, columns.astype(np.float32), rows.astype(np.float32))


def widen_maps(maps: Any, widening: Widening, xp: ModuleType = np) -> Any:
    """Maps (B, K, H, W) float32 -> maps at the wider Gaussians, same shape and kind.

    Cells outside the map count as zero. So a joint whose own Gaussian is cut by a border
    is drawn inwards: by up to 0.6 s on the border itself, 0.16 s one s inside, and at
    most 0.02 s from 2 s inside on.
    """
    columns: Any = widening.columns
    rows: Any = widening.rows
    joints: Any = widening.joints
    if xp is torch:
        columns, rows = (torch.from_numpy(f).to(maps.device) for f in (columns, rows))
    if joints is None:
        return columns @ maps @ rows
    widened = maps.clone() if xp is torch else maps.copy()
    widened[:, joints] = columns @ maps[:, joints] @ rows
    return widened
