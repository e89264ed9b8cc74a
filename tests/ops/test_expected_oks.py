"""Expected OKS against integration over the plane; calibrations and their fit."""

import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gm_pose.ops.uncertainty import (
    ELLIPSE_95,
    Calibration,
    Evidence,
    average_expected_oks,
    calibrate_uncertainty,
    compute_expected_oks,
    compute_tolerances,
    fit_calibration,
)
from gm_pose.ops.uncertainty.logits import MARGIN, compute_logits, compute_sigmoid


@settings(max_examples=15, deadline=None)
@example(root=[2.0, 2.0, 0.0, 0.0], tolerance=0.5)
@example(root=[2.0, 2.0, -2.0, 2.0], tolerance=0.5)
@given(
    root=st.lists(st.floats(-2, 2), min_size=4, max_size=4),
    tolerance=st.floats(0.5, 10),
)
def test_equals_the_mean_of_the_oks_over_the_plane(root, tolerance):
    root = np.reshape(root, (2, 2)) + 0.1 * np.eye(2)
    covariance = root @ root.T + 0.01 * np.eye(2)
    nodes, step = np.linspace(-8, 8, 401, retstep=True)
    grid = np.stack(np.meshgrid(nodes, nodes), -1).reshape(-1, 2)
    weights = step**2 * np.exp(-(grid**2).sum(1) / 2) / (2 * np.pi)
    errors = grid @ np.linalg.cholesky(covariance).T
    oks = np.exp(-(errors**2).sum(1) / (2 * tolerance**2))
    found = compute_expected_oks(
        covariance[None, None], np.ones((1, 1)), np.full((1, 1), tolerance)
    )
    # The integrand is a Gaussian at least 0.12 wide, three steps: the sum's error is below
    # exp(-2 pi^2 3^2), and 1e-15 lies outside of the square.
    assert found[0, 0] == pytest.approx(float(weights @ oks), abs=1e-12)


def test_tolerance_is_that_of_pycocotools():
    cocoeval = pytest.importorskip('pycocotools.cocoeval')
    sigmas = cocoeval.Params(iouType='keypoints').kpt_oks_sigmas
    area, distance = 5000.0, 9.0
    variance = (2 * sigmas) ** 2
    theirs = np.exp(-(distance**2) / variance / area / 2)
    tolerances = compute_tolerances(np.array([area]), sigmas)
    np.testing.assert_allclose(np.exp(-((distance / tolerances[0]) ** 2) / 2), theirs)


def test_a_persons_score_is_the_mean_over_all_joints():
    expected = np.array([[0.9, 0.0, 0.3], [0.1, 0.1, 0.1]])
    np.testing.assert_allclose(average_expected_oks(expected), [0.4, 0.1])
    np.testing.assert_allclose(average_expected_oks(torch.tensor(expected)), [0.4, 0.1])


def test_neutral_calibration_changes_nothing():
    rng = np.random.default_rng(0)
    covariances, presence, tolerances = make_inputs(rng, 20)
    neutral = Calibration.neutral(5)
    found = calibrate_uncertainty(covariances, presence, neutral)
    np.testing.assert_array_equal(found.covariances_cells2, covariances)
    np.testing.assert_allclose(found.presence, presence.clip(MARGIN, 1 - MARGIN))
    plain = compute_expected_oks(covariances, presence, tolerances)
    fitted = compute_expected_oks(covariances, presence, tolerances, neutral)
    np.testing.assert_allclose(fitted, plain, atol=2 * MARGIN)
    tensors = [torch.tensor(part) for part in (covariances, presence, tolerances)]
    np.testing.assert_allclose(
        compute_expected_oks(*tensors, neutral).numpy(), fitted, rtol=1e-6
    )


def test_a_calibration_comes_back_from_its_dict():
    calibration = Calibration(
        *(np.linspace(0.1 + k, 0.9 + k, 3) for k in range(7)),
    )
    stored = calibration.to_dict()
    assert all(type(value) is float for values in stored.values() for value in values)
    again = Calibration.from_dict(stored, num_joints=3)
    assert again.to_dict() == stored
    with pytest.raises(ValueError, match='read-only'):
        again.oks_bias[0] = 1


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (lambda d: 3, 'is a int; expected a dict'),
        (lambda d: {**d, 'more': [1.0]}, 'expected'),
        (lambda d: {**d, 'oks_bias': 'abc'}, 'oks_bias of the calibration is abc'),
        (lambda d: {**d, 'oks_bias': [float('nan')] * 2}, 'finite numbers'),
        (lambda d: {**d, 'oks_bias': [True, False]}, 'finite numbers'),
        (lambda d: {**d, 'oks_bias': [0.0]}, 'expected as many of each'),
        (lambda d: {**d, 'oks_bias': []}, 'one finite number per joint'),
        (lambda d: {**d, 'covariance_scale': [0.0, 1.0]}, 'expected numbers > 0'),
        (lambda d: {**d, 'oks_slope': [-1.0, 1.0]}, 'expected numbers >= 0'),
        (
            lambda d: {**d, 'covariance_scale': [1.0, 1e300]},
            '1e\\+300; expected at most 1e',
        ),
        (lambda d: {**d, 'oks_bias': [-1e300, 0.0]}, '-1e\\+300; expected at most 1e'),
        (lambda d: {**d, 'covariance_power': [5.0, 0.0]}, 'has 5; expected at most 4'),
    ],
)
def test_refuses_what_is_no_calibration(change, message):
    with pytest.raises(ValueError, match=message):
        Calibration.from_dict(change(Calibration.neutral(2).to_dict()))


def test_refuses_a_calibration_of_another_skeleton():
    with pytest.raises(ValueError, match='has 2 joints; expected 17'):
        Calibration.from_dict(Calibration.neutral(2).to_dict(), num_joints=17)


def make_inputs(rng, people, joints=5):
    roots = rng.normal(0, 1, (people, joints, 2, 2))
    covariances = roots @ np.swapaxes(roots, -1, -2) + 0.05 * np.eye(2)
    presence = rng.uniform(0.2, 0.95, (people, joints))
    return covariances, presence, rng.uniform(2, 6, (people, joints))


def make_evidence(seed, people=800, all_labelled=False):
    """Errors of three times the variance that is measured, plus half a cell^2."""
    rng = np.random.default_rng(seed)
    covariances, presence, tolerances = make_inputs(rng, people)
    truth = 3 * covariances + 0.5 * np.eye(2)
    errors = np.linalg.cholesky(truth) @ rng.normal(0, 1, (people, 5, 2, 1))
    errors = errors[..., 0]
    labelled = rng.uniform(size=presence.shape) < compute_sigmoid(
        1 + 1.5 * compute_logits(presence)
    )
    oks = np.exp(-(errors**2).sum(-1) / (2 * tolerances**2))
    if all_labelled:
        labelled = np.ones_like(labelled)
    return Evidence(covariances, presence, errors, labelled, tolerances, oks)


def test_fit_finds_what_the_errors_were_drawn_with():
    calibration = fit_calibration(make_evidence(seed=0))
    kept = make_evidence(seed=1)
    covariances, presence = calibrate_uncertainty(
        kept.covariances_cells2, kept.presence, calibration
    )
    inside = kept.measure_radii(covariances)[kept.labelled] <= ELLIPSE_95
    # 2,500 joints: a share of 95 % has a standard error of 0.4 %, the fitted one as much
    assert inside.mean() == pytest.approx(0.95, abs=0.015)
    ratio = np.linalg.det(covariances) / np.linalg.det(
        3 * kept.covariances_cells2 + 0.5 * np.eye(2)
    )
    assert np.median(ratio) == pytest.approx(1, abs=0.2)
    np.testing.assert_allclose(calibration.covariance_power, 0, atol=0.1)
    np.testing.assert_allclose(calibration.presence_bias, 1, atol=0.35)
    np.testing.assert_allclose(calibration.presence_slope, 1.5, atol=0.25)
    expected = compute_expected_oks(
        covariances, np.ones_like(presence), kept.tolerances_cells, calibration
    )
    gap = (expected - kept.true_oks)[kept.labelled].mean()
    assert gap == pytest.approx(0, abs=0.02)
    # as the errors are Gaussian, there is nothing for it to make up
    np.testing.assert_allclose(calibration.oks_slope, 1, atol=0.2)


def test_fit_stays_finite_where_every_joint_is_labelled_and_one_never():
    evidence = make_evidence(seed=2, people=60, all_labelled=True)
    evidence.labelled[:, 3] = False
    calibration = fit_calibration(evidence)
    assert Calibration.from_dict(calibration.to_dict())
    _, presence = calibrate_uncertainty(
        evidence.covariances_cells2, evidence.presence, calibration
    )
    assert presence[:, [0, 1, 2, 4]].mean() > 0.9
    assert presence[:, 3].mean() < 0.5


def test_fit_refuses_a_handful_of_joints():
    with pytest.raises(ValueError, match='there are 5 labelled joints'):
        fit_calibration(make_evidence(seed=3, people=1, all_labelled=True))
