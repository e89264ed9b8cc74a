"""Calibration errors, coverage, the split by image, and the printed report."""

import numpy as np
import pytest

from gm_pose.calibration.predictions import assign_folds, predict, predict_kept_aside
from gm_pose.calibration.reliability import (
    assess,
    assess_peaks,
    measure_reliability,
)
from gm_pose.calibration.reliability_plot import draw_reliability
from gm_pose.calibration.report_text import format_report
from gm_pose.ops.uncertainty import ELLIPSE_95, Calibration, Evidence, fit_calibration


def make_evidence(people=200, spread=1.0, seed=0):
    """Two joints: errors of `spread` times the variance that is measured."""
    rng = np.random.default_rng(seed)
    covariances = np.tile(np.diag([4.0, 1.0]), (people, 2, 1, 1))
    errors = rng.normal(0, 1, (people, 2, 2)) * np.sqrt(spread) * [2.0, 1.0]
    tolerances = np.full((people, 2), 3.0)
    return Evidence(
        covariances,
        np.full((people, 2), 0.5),
        errors,
        rng.uniform(size=(people, 2)) < 0.5,
        tolerances,
        np.exp(-(errors**2).sum(-1) / (2 * tolerances**2)),
    )


def test_error_of_a_reliability_is_that_of_a_loop():
    rng = np.random.default_rng(0)
    predicted, observed = rng.uniform(size=(2, 300))
    total = 0.0
    for low in np.arange(10) / 10:
        rows = [p >= low and (p < low + 0.1 or low == 0.9) for p in predicted]
        total += abs(predicted[rows].mean() - observed[rows].mean()) * sum(rows) / 300
    assert measure_reliability(predicted, observed).error == pytest.approx(total)


def test_a_right_prediction_has_a_small_error_and_1_counts_in_the_last_bin():
    found = measure_reliability(np.array([1.0, 1.0, 0.0]), np.array([1.0, 1.0, 0.0]))
    assert found.error == 0
    assert found.counts[[0, -1]].tolist() == [1, 2]


def test_assessment_counts_joints_inside_their_ellipses():
    evidence = make_evidence()
    found = assess(evidence, predict(evidence, None))
    radii = evidence.errors_cells[..., 0] ** 2 / 4 + evidence.errors_cells[..., 1] ** 2
    for joint in range(2):
        chosen = evidence.labelled[:, joint]
        share = (radii[chosen, joint] <= ELLIPSE_95).mean()
        assert found.covered[joint] == pytest.approx(share)
    # 200 labelled joints of Gaussian errors: a standard error of 1.5 %
    assert found.covered_in_all == pytest.approx(0.95, abs=0.05)
    assert found.oks.error < 0.1
    wide = make_evidence(spread=9)
    assert assess(wide, predict(wide, None)).covered_in_all < 0.6


def test_a_joint_without_labels_has_no_share():
    evidence = make_evidence()
    evidence.labelled[:, 1] = False
    found = assess(evidence, predict(evidence, Calibration.neutral(2)))
    assert np.isnan(found.covered[1])
    assert found.covered_in_all == found.covered[0]


def test_people_of_an_image_stay_together():
    images = np.repeat(np.arange(40), 3)
    folds = assign_folds(images, 4, seed=1)
    assert np.bincount(folds).tolist() == [30] * 4
    assert (folds.reshape(40, 3) == folds[::3, None]).all()
    np.testing.assert_array_equal(folds, assign_folds(images, 4, seed=1))
    assert (folds != assign_folds(images, 4, seed=2)).any()


def test_one_image_cannot_be_split():
    with pytest.raises(ValueError, match='1 images cannot be split into 5 parts'):
        assign_folds(np.zeros(5, int), 5, seed=0)


def test_people_are_predicted_by_what_others_were_fitted_on():
    evidence = make_evidence(people=120, spread=4)
    folds = assign_folds(np.arange(120), 3, seed=0)
    found, calibrations = predict_kept_aside(evidence, folds)
    for fold, calibration in enumerate(calibrations):
        rows = folds == fold
        others = fit_calibration(evidence.take(~rows))
        assert calibration.to_dict() == others.to_dict()
        alone = predict(evidence.take(rows), others)
        np.testing.assert_array_equal(found.oks[rows], alone.oks)
        np.testing.assert_array_equal(found.scores[rows], alone.presence * alone.oks)


def test_report_and_plot_have_every_joint():
    evidence = make_evidence()
    evidence.labelled[:, 1] = False
    parts = (
        assess(evidence, predict(evidence, None)),
        assess(evidence, predict(evidence, Calibration.neutral(2))),
        assess_peaks(evidence, np.full((200, 2), 1.2)),
        ['nose', 'tail'],
    )
    text = format_report(*parts)
    assert '| tail | 0 | | | |' in text
    share = parts[1].covered[0]
    assert f'| nose | {evidence.labelled[:, 0].sum()} | {share:.1%} |' in text
    assert draw_reliability(*parts).startswith(b'\x89PNG')
