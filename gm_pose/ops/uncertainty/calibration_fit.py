"""Maps' uncertainty and true errors of a validation set -> a calibration (scipy).

Three fits, each with few numbers per joint and a pull towards what all joints share, since
a validation set has tens to hundreds of examples of a joint:

1. the covariance: first its shape (scale, floor and power), by the likelihood of a
   Student distribution, which a few swapped joints do not rule; then its scale, so that
   the 95 % ellipse holds 95 % of the errors;
2. the presence: logistic regression on whether the joint is labelled;
3. the OKS: logistic regression of the true OKS of labelled joints.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from gm_pose.ops.array_types import BoolArray, FloatArray
from gm_pose.ops.uncertainty.calibration import LARGEST_POWER, Calibration
from gm_pose.ops.uncertainty.expected_oks import compute_expected_oks
from gm_pose.ops.uncertainty.logits import compute_logits, compute_sigmoid
from gm_pose.ops.uncertainty.map_uncertainty import calibrate_uncertainty

# Squared radius, in sigmas, of the ellipse that holds 95 % of a 2-D Gaussian.
ELLIPSE_95 = -2 * np.log(0.05)

# Degrees of freedom of the Student distribution; 4 is a usual choice for robust fits.
DEGREES_OF_FREEDOM = 4.0

# A joint's own parameters are pulled to the shared ones as by so many of its examples.
SHARED_EXAMPLES = 30.0

FEWEST_EXAMPLES = 10


@dataclass(frozen=True, eq=False)
class Evidence:
    """N people of whom maps and truth are known. Lengths in heatmap cells.

    Attributes:
        covariances_cells2: (N, K, 2, 2) as measured, not calibrated.
        presence: (N, K), not calibrated.
        errors_cells: (N, K, 2), true place minus decoded place; any where not labelled.
        labelled: (N, K).
        tolerances_cells: (N, K), of OKS as far as it is known when predicting.
        true_oks: (N, K), of labelled joints.
    """

    covariances_cells2: FloatArray
    presence: FloatArray
    errors_cells: FloatArray
    labelled: BoolArray
    tolerances_cells: FloatArray
    true_oks: FloatArray

    def take(self, people: NDArray[np.generic]) -> 'Evidence':
        """The people of these rows."""
        return Evidence(*(getattr(self, name)[people] for name in self.__annotations__))

    def measure_radii(self, covariances: FloatArray) -> FloatArray:
        """Errors in units of the covariances (N, K, 2, 2): squared radii (N, K)."""
        solved = np.linalg.solve(covariances, self.errors_cells[..., None])[..., 0]
        return (solved * self.errors_cells).sum(-1)


def fit_calibration(evidence: Evidence) -> Calibration:
    """People whose truth is known -> the calibration that fits them.

    Raises:
        ValueError: fewer labelled joints than FEWEST_EXAMPLES in all.
    """
    count = int(evidence.labelled.sum())
    if count < FEWEST_EXAMPLES:
        raise ValueError(
            f'there are {count} labelled joints to calibrate on; expected at least '
            f'{FEWEST_EXAMPLES}'
        )
    evidence = _to_float64(evidence)
    calibration = _fit_covariance(evidence)
    bias, slope = _fit_logistic(
        compute_logits(evidence.presence),
        evidence.labelled.astype(np.float64),
        np.ones_like(evidence.labelled),
    )
    calibration = replace(calibration, presence_bias=bias, presence_slope=slope)
    covariances, _ = calibrate_uncertainty(
        evidence.covariances_cells2, evidence.presence, calibration
    )
    expected = compute_expected_oks(
        covariances, np.ones_like(evidence.presence), evidence.tolerances_cells
    )
    bias, slope = _fit_logistic(
        compute_logits(expected), evidence.true_oks, evidence.labelled
    )
    return replace(calibration, oks_bias=bias, oks_slope=slope)


def _to_float64(evidence: Evidence) -> Evidence:
    return replace(
        evidence,
        covariances_cells2=np.asarray(evidence.covariances_cells2, np.float64),
        presence=np.asarray(evidence.presence, np.float64),
        errors_cells=np.asarray(evidence.errors_cells, np.float64),
    )


def _fit_covariance(evidence: Evidence) -> Calibration:
    """Scale, floor and power; the rest neutral."""
    num_joints = evidence.presence.shape[1]
    labelled = evidence.labelled

    def compute_loss(values: FloatArray, joints: slice, power: float) -> FloatArray:
        """Negative log likelihood (N, K') of these joints' errors."""
        scale, floor = np.exp(values)
        widening = np.clip(evidence.presence[:, joints], 1e-4, 1) ** -power
        covariances = evidence.covariances_cells2[:, joints] * scale + floor * np.eye(2)
        covariances = covariances * widening[..., None, None]
        errors = evidence.errors_cells[:, joints]
        solved = np.linalg.solve(covariances, errors[..., None])[..., 0]
        radii = (solved * errors).sum(-1)
        tail = (DEGREES_OF_FREEDOM + 2) / 2 * np.log1p(radii / DEGREES_OF_FREEDOM)
        return tail + np.log(np.linalg.det(covariances)) / 2

    def compute_shared_loss(values: FloatArray) -> float:
        losses = compute_loss(values[:2], slice(None), values[2])
        return float(losses[labelled].mean())

    bounds = [(-10.0, 10.0), (-10.0, 10.0), (0.0, LARGEST_POWER)]
    shared = _minimize(compute_shared_loss, np.array([0.0, -2.0, 1.0]), bounds)
    own = np.tile(shared[:2], (num_joints, 1))
    for k in range(num_joints):
        chosen, joint = labelled[:, k], slice(k, k + 1)
        if not chosen.any():
            continue

        def compute_own_loss(
            values: FloatArray, chosen: BoolArray = chosen, joint: slice = joint
        ) -> float:
            losses = compute_loss(values, joint, shared[2])[:, 0]
            pull = SHARED_EXAMPLES / 2 * ((values - shared[:2]) ** 2).sum()
            return float(losses[chosen].sum() + pull)

        own[k] = _minimize(compute_own_loss, shared[:2], bounds[:2])
    calibration = replace(
        Calibration.neutral(num_joints),
        covariance_scale=np.exp(own[:, 0]),
        covariance_floor_cells2=np.exp(own[:, 1]),
        covariance_power=np.full(num_joints, shared[2]),
    )
    covariances, _ = calibrate_uncertainty(
        evidence.covariances_cells2, evidence.presence, calibration
    )
    factors = _fit_ellipses(evidence.measure_radii(covariances), labelled)
    return replace(
        calibration,
        covariance_scale=calibration.covariance_scale * factors,
        covariance_floor_cells2=calibration.covariance_floor_cells2 * factors,
    )


def _fit_ellipses(radii: FloatArray, labelled: BoolArray) -> FloatArray:
    """Squared radii (N, K) of errors -> factors (K,): 95 % within ELLIPSE_95 times it."""

    def find_factor(values: FloatArray) -> float:
        # the quantile's place among n + 1: as many new errors are then within it
        level = min(1.0, 0.95 * (1 + 1 / len(values)))
        return float(np.log(np.quantile(values, level) / ELLIPSE_95))

    shared = find_factor(radii[labelled])
    factors = []
    for values, chosen in zip(radii.T, labelled.T, strict=True):
        count = int(chosen.sum())
        own = find_factor(values[chosen]) if count else shared
        weight = count / (count + SHARED_EXAMPLES)
        factors.append(np.exp(weight * own + (1 - weight) * shared))
    return np.array(factors)


def _fit_logistic(
    logits: FloatArray, targets: FloatArray, chosen: BoolArray
) -> tuple[FloatArray, FloatArray]:
    """Logits, targets in [0, 1] and which count (N, K) -> bias (K,) and slope (K,).

    One slope for all joints, one bias for each, pulled to the mean. Half an example of
    either kind for all joints keeps them finite where all targets are 1.
    """
    num_joints = logits.shape[1]
    x, y = logits[chosen], targets[chosen]
    joints = np.broadcast_to(np.arange(num_joints), logits.shape)[chosen]
    pull = SHARED_EXAMPLES / 10

    def compute_loss(values: FloatArray) -> tuple[float, FloatArray]:
        slope, mean, own = values[0], values[1], values[2:]
        z = slope * x + (mean + own)[joints]
        loss = (np.logaddexp(0, z) - y * z).sum() + pull / 2 * (own**2).sum()
        loss += np.logaddexp(0, mean) - mean / 2 + (slope - 1) ** 2 / 2
        residual = compute_sigmoid(z) - y
        gradient = np.empty_like(values)
        gradient[0] = (residual * x).sum() + slope - 1
        gradient[1] = residual.sum() + compute_sigmoid(mean) - 0.5
        gradient[2:] = np.bincount(joints, residual, num_joints) + pull * own
        return float(loss), gradient

    from scipy.optimize import minimize

    start = np.zeros(2 + num_joints)
    start[0] = 1
    bounds = [(0.0, None)] + [(None, None)] * (1 + num_joints)
    values = minimize(compute_loss, start, jac=True, method='L-BFGS-B', bounds=bounds).x
    return values[1] + values[2:], np.full(num_joints, values[0])


def _minimize(
    compute_loss: Callable[[FloatArray], float],
    start: FloatArray,
    bounds: list[tuple[float, float]],
) -> FloatArray:
    from scipy.optimize import minimize

    return np.asarray(minimize(compute_loss, start, method='L-BFGS-B', bounds=bounds).x)
