"""Heatmaps and the places decoded from them -> how sure each joint is."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gm_pose.ops.array_types import ArrayT, get_namespace, make_like
from gm_pose.ops.sigma_tables import describe_count_mismatch
from gm_pose.ops.uncertainty.calibration import Calibration
from gm_pose.ops.uncertainty.covariances import add_to_diagonal, clip_eigenvalues
from gm_pose.ops.uncertainty.logits import MARGIN, compute_logits, compute_sigmoid
from gm_pose.ops.uncertainty.map_moments import measure_moments

# Below this sigma cells show the shape of nothing, see `gm_pose.ops.matched_fit`.
LEAST_SIGMA = 0.6

# No joint is placed better than to a tenth of a cell: ellipses keep an area.
LEAST_VARIANCE = 0.01


class Uncertainty(NamedTuple):
    """What a map says besides the place of its joint.

    Attributes:
        covariances_cells2: (B, K, 2, 2), of the joint's true place about the decoded one.
        presence: (B, K), probability that the joint is there.
    """

    covariances_cells2: Any
    presence: Any


def measure_uncertainty(
    heatmaps: ArrayT,
    locations_cells: ArrayT,
    target_sigmas_cells: NDArray[np.float64],
    calibration: Calibration | None = None,
) -> Uncertainty:
    """Maps (B, K, H, W), decoded places (B, K, 2) -> covariances and presence.

    A network trained on Gaussians of sigma s by squared error predicts
    ``h(x) = E[g_s(x - X)]``, the posterior of the joint's place X convolved with that
    Gaussian (and times the probability that there is a joint). So the second moment of h
    about a place, over its mass, is ``C + s^2 I``: the mean square error of that place
    plus what the target itself is wide. Second modes and flat maps add to C.

    Before that the background is cut off (`map_moments`: below 2 % of the peak, corrected
    for what this takes from a Gaussian), and near a border the part off the map is
    replaced by its reflection. Presence is ``sqrt(peak * mass)`` with the mass in units
    of the target's, ``2 pi s^2``: 1 for a whole Gaussian of height 1.

    Args:
        heatmaps: as the network predicts them.
        locations_cells: [x, y], as decoded from them.
        target_sigmas_cells: (K,), or (1,) for all joints: sigmas of the targets that the
            network was trained on, see `gm_pose.codecs.read_target_sigmas`.
        calibration: fitted for this network; None: the neutral one.

    Raises:
        ValueError: another number of sigmas or of calibrated joints than K.

    Example:
        A joint that is at one of two places, 3 cells apart, as likely: 2.25 cells^2
        about the middle, a Gaussian of the target's own sigma taken out.

        >>> from gm_pose.ops import draw_exact, make_exact_grid
        >>> size, sigmas = (48, 64), np.array([2.0])
        >>> places = np.array([[20.0, 30.0], [23.0, 30.0]])
        >>> grid = make_exact_grid([2.0, 2.0], size)
        >>> maps, _ = draw_exact(places, np.array([True, True]), grid, size)
        >>> middle = places.mean(0)[None, None]
        >>> found = measure_uncertainty(maps.mean(0)[None, None], middle, sigmas)
        >>> print(found.covariances_cells2[0, 0].round(1))
        [[2.5 0. ]
         [0.  0. ]]
    """
    num_joints = heatmaps.shape[1]
    if len(target_sigmas_cells) not in (1, num_joints):
        raise ValueError(
            describe_count_mismatch(len(target_sigmas_cells), num_joints, None)
        )
    if calibration is not None and calibration.num_joints != num_joints:
        raise ValueError(
            f'the calibration has {calibration.num_joints} joints for maps of '
            f'{num_joints}. Fix: calibrate this model'
        )
    xp = get_namespace(heatmaps)
    sigmas = make_like(heatmaps, np.maximum(target_sigmas_cells, LEAST_SIGMA))
    peaks, mass, moments = measure_moments(heatmaps, locations_cells, sigmas)
    covariances = add_to_diagonal(moments, -sigmas * sigmas)
    covariances = clip_eigenvalues(covariances, LEAST_VARIANCE)
    presence = xp.sqrt(peaks * mass).clip(0.0, 1.0)
    if calibration is None:
        return Uncertainty(covariances, presence)
    return calibrate_uncertainty(covariances, presence, calibration)


def calibrate_uncertainty(
    covariances_cells2: ArrayT, presence: ArrayT, calibration: Calibration
) -> Uncertainty:
    """Covariances (B, K, 2, 2) and presence (B, K) as measured -> calibrated."""
    scale, floor, power, bias, slope = (
        make_like(presence, values)
        for values in (
            calibration.covariance_scale,
            calibration.covariance_floor_cells2,
            calibration.covariance_power,
            calibration.presence_bias,
            calibration.presence_slope,
        )
    )
    widening = presence.clip(MARGIN, 1.0) ** -power
    scaled = covariances_cells2 * (scale * widening)[..., None, None]
    logits = bias + slope * compute_logits(presence)
    return Uncertainty(
        add_to_diagonal(scaled, floor * widening), compute_sigmoid(logits)
    )
