"""Covariances and presence -> the OKS to be expected (numpy or torch)."""

from typing import Any

from gm_pose.ops.array_types import ArrayT, get_namespace, make_like
from gm_pose.ops.uncertainty.calibration import Calibration
from gm_pose.ops.uncertainty.logits import compute_logits, compute_sigmoid

BOX_AREA_SHARE = 0.53
"""Part of its box that a person covers, where the box alone is known (as xtcocotools)."""


def compute_tolerances(areas_px2: ArrayT, oks_sigmas: ArrayT) -> ArrayT:
    """Areas (N,) in px^2, OKS sigmas (K,) -> the metric's tolerances (N, K) in px.

    ``t = 2 s_k sqrt(area)``: OKS of a joint at distance d is ``exp(-d^2 / (2 t^2))``, as
    in pycocotools. COCO's area is that of the segment; for a box alone, the box times 0.53.

    Example:
        >>> import numpy as np
        >>> compute_tolerances(np.array([100.0**2]), np.array([0.025, 0.107]))
        array([[ 5. , 21.4]])
    """
    xp = get_namespace(areas_px2)
    return 2 * oks_sigmas * xp.sqrt(areas_px2)[:, None]


def compute_expected_oks(
    covariances_px2: ArrayT,
    presence: ArrayT,
    tolerances_px: ArrayT,
    calibration: Calibration | None = None,
) -> ArrayT:
    """What each joint is expected to add to the sum of OKS -> (N, K), 0 to 1.

    With the true place Gaussian about the decoded one, of covariance C, the mean of
    ``exp(-d^2 / (2 t^2))`` is ``det(I + C / t^2)^(-1/2)``; a joint that is not there adds
    nothing. A person's score is their mean: `average_expected_oks`.

    Args:
        covariances_px2: (N, K, 2, 2), about the decoded place.
        presence: (N, K), probability that the joint is there (labelled, for the metric).
        tolerances_px: (N, K), see `compute_tolerances`, in the covariances' unit.
        calibration: what covariances and presence were calibrated with. Its `oks_bias`
            and `oks_slope` make up for tails longer than a Gaussian's.

    Example:
        An error as large as the tolerance along both axes halves the OKS:

        >>> import numpy as np
        >>> covariance = np.diag([9.0, 9.0])[None, None]
        >>> compute_expected_oks(covariance, np.array([[0.8]]), np.array([[3.0]]))
        array([[0.4]])
    """
    xp = get_namespace(covariances_px2)
    square = tolerances_px * tolerances_px
    xx = 1 + covariances_px2[..., 0, 0] / square
    yy = 1 + covariances_px2[..., 1, 1] / square
    xy = covariances_px2[..., 0, 1] / square
    expected = 1 / xp.sqrt(xx * yy - xy * xy)
    if calibration is not None:
        bias, slope = (
            make_like(expected, values)
            for values in (calibration.oks_bias, calibration.oks_slope)
        )
        expected = compute_sigmoid(bias + slope * compute_logits(expected))
    return presence * expected


def average_expected_oks(expected_oks: ArrayT) -> ArrayT:
    """Joints' expected OKS (N, K) -> a person's score (N,), the mean over all joints.

    A joint that is not there counts as 0: of two people placed as well, the one of whom
    more shows ranks higher. ``sum(expected) / sum(presence)``, which estimates the OKS
    itself, ranked people no better on any data (benchmarks/rescoring.md).

    Example:
        >>> import numpy as np
        >>> average_expected_oks(np.array([[0.8, 0.0]]))
        array([0.4])
    """
    mean: Any = expected_oks.mean(-1)
    return mean
