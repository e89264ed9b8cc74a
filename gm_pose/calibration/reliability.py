"""How far what is predicted agrees with what happened, on people kept aside."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gm_pose.calibration.predictions import Predictions
from gm_pose.ops.array_types import FloatArray
from gm_pose.ops.uncertainty import ELLIPSE_95, Evidence

NUM_BINS = 10


@dataclass(frozen=True, eq=False)
class Reliability:
    """Predictions in bins of equal width against what happened.

    Attributes:
        counts: (NUM_BINS,).
        predicted: (NUM_BINS,) mean prediction, NaN in an empty bin.
        observed: (NUM_BINS,) mean of what happened.
    """

    counts: NDArray[np.int64]
    predicted: FloatArray
    observed: FloatArray

    @property
    def error(self) -> float:
        """Expected calibration error: ``sum_b n_b / n |predicted_b - observed_b|``."""
        used = self.counts > 0
        gaps = np.abs(self.predicted - self.observed)[used]
        return float((self.counts[used] * gaps).sum() / max(self.counts.sum(), 1))


def measure_reliability(predicted: FloatArray, observed: FloatArray) -> Reliability:
    """Predictions and outcomes in [0, 1], (N,) -> bins.

    Example:
        >>> found = measure_reliability(np.array([0.2, 0.2]), np.array([0.0, 1.0]))
        >>> round(found.error, 3)
        0.3
    """
    bins = np.clip((predicted * NUM_BINS).astype(int), 0, NUM_BINS - 1)
    counts = np.bincount(bins, minlength=NUM_BINS)
    with np.errstate(invalid='ignore'):
        means = [
            np.bincount(bins, values, NUM_BINS) / counts
            for values in (predicted, observed)
        ]
    return Reliability(counts, *means)


@dataclass(frozen=True, eq=False)
class Assessment:
    """One calibration on people kept aside.

    Attributes:
        oks: expected OKS of labelled joints against theirs.
        presence: against whether a joint is labelled.
        covered: (K,) share of labelled joints inside their 95 % ellipse, NaN without any.
        counts: (K,) labelled joints.
    """

    oks: Reliability
    presence: Reliability
    covered: FloatArray
    counts: NDArray[np.int64]

    @property
    def covered_in_all(self) -> float:
        """Share of all labelled joints inside their ellipses."""
        used = self.counts > 0
        return float((self.covered * self.counts)[used].sum() / self.counts.sum())


def assess(evidence: Evidence, predicted: Predictions) -> Assessment:
    """People whose truth is known, what was predicted of them -> how far it holds."""
    labelled = evidence.labelled
    inside = evidence.measure_radii(predicted.covariances_cells2) <= ELLIPSE_95
    counts = labelled.sum(0)
    with np.errstate(invalid='ignore'):
        covered = (inside & labelled).sum(0) / counts
    return Assessment(
        measure_reliability(predicted.oks[labelled], evidence.true_oks[labelled]),
        measure_reliability(predicted.presence.ravel(), labelled.ravel().astype(float)),
        covered,
        counts,
    )


def assess_peaks(
    evidence: Evidence, peaks: FloatArray
) -> tuple[Reliability, Reliability]:
    """The maps' peaks (N, K), MMPose's scores, read as expected OKS and as presence."""
    peaks = np.clip(peaks, 0, 1)
    labelled = evidence.labelled
    return (
        measure_reliability(peaks[labelled], evidence.true_oks[labelled]),
        measure_reliability(peaks.ravel(), labelled.ravel().astype(float)),
    )
