"""What a calibration says of people, and of people that it was not fitted on."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gm_pose.ops.array_types import FloatArray
from gm_pose.ops.uncertainty import (
    Calibration,
    Evidence,
    calibrate_uncertainty,
    compute_expected_oks,
    fit_calibration,
)


@dataclass(frozen=True, eq=False)
class Predictions:
    """Of N people.

    Attributes:
        covariances_cells2: (N, K, 2, 2).
        presence: (N, K).
        oks: (N, K), expected if the joint is there.
    """

    covariances_cells2: FloatArray
    presence: FloatArray
    oks: FloatArray

    @property
    def scores(self) -> FloatArray:
        """Scores of joints (N, K), as the codec gives them."""
        return self.presence * self.oks


def predict(evidence: Evidence, calibration: Calibration | None) -> Predictions:
    """People as measured -> what is predicted of them; None: not calibrated."""
    found = (evidence.covariances_cells2, evidence.presence)
    if calibration is not None:
        found = calibrate_uncertainty(*found, calibration)
    there = np.ones_like(found[1])
    oks = compute_expected_oks(found[0], there, evidence.tolerances_cells, calibration)
    return Predictions(*found, oks)


def assign_folds(
    image_ids: NDArray[np.integer], num_folds: int, seed: int
) -> NDArray[np.int64]:
    """Image ids (N,) of people -> fold of each; people of an image stay together.

    Raises:
        ValueError: there are fewer images than folds.
    """
    images, image_of = np.unique(image_ids, return_inverse=True)
    if len(images) < num_folds:
        raise ValueError(
            f'{len(images)} images cannot be split into {num_folds} parts. Fix: more '
            'images, or fewer --folds'
        )
    folds = np.random.default_rng(seed).permutation(len(images)) % num_folds
    return np.asarray(folds[image_of])


def predict_kept_aside(
    evidence: Evidence, folds: NDArray[np.int64]
) -> tuple[Predictions, list[Calibration]]:
    """People and their folds -> predictions, and the calibrations they are made with.

    The people of a fold are predicted by the calibration fitted on all others.

    Raises:
        ValueError: too few labelled joints to fit on.
    """
    whole = predict(evidence, None)
    names = list(whole.__annotations__)
    columns = [np.array(getattr(whole, name), np.float64) for name in names]
    calibrations = []
    for fold in np.unique(folds):
        kept = folds == fold
        calibration = fit_calibration(evidence.take(~kept))
        part = predict(evidence.take(kept), calibration)
        for column, name in zip(columns, names, strict=True):
            column[kept] = getattr(part, name)
        calibrations.append(calibration)
    return Predictions(*columns), calibrations
