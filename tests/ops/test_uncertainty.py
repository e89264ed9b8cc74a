"""Covariances and presence of maps, against loops, known posteriors and each other."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from slow_uncertainty import draw_posterior_map, measure_slowly, spread_gaussian

from gm_pose.ops import decode_heatmaps, measure_uncertainty
from gm_pose.ops.uncertainty import Calibration
from gm_pose.ops.uncertainty.map_moments import THRESHOLD
from gm_pose.ops.uncertainty.map_uncertainty import LEAST_VARIANCE

SIZE = (48, 64)
SIGMA = np.array([2.0])
# What an axis of a map can vary by at most: every place as likely.
EVERYWHERE = (np.array(SIZE) ** 2 - 1) / 12


def measure(heatmap, place, sigma=2.0):
    """One map (H, W) -> covariance (2, 2), presence."""
    maps = np.asarray(heatmap, np.float32)[None, None]
    places = np.asarray(place, np.float32)[None, None]
    found = measure_uncertainty(maps, places, np.array([sigma]))
    return found.covariances_cells2[0, 0], float(found.presence[0, 0])


def make_noisy_maps(seed=0, people=3, joints=4):
    """Maps of two modes each, background and negative values; decoded places."""
    rng = np.random.default_rng(seed)
    maps = np.empty((people, joints, SIZE[1], SIZE[0]), np.float32)
    for heatmap in maps.reshape(-1, SIZE[1], SIZE[0]):
        places = rng.uniform((2, 2), (45, 61), (2, 2))
        heatmap[:] = draw_posterior_map(places, rng.uniform(0.2, 0.6, 2), 2.0, SIZE)
        heatmap += rng.normal(0, 0.01, heatmap.shape)
    return maps, decode_heatmaps(maps, SIGMA)[0]


def test_equals_a_loop_over_cells():
    maps, places = make_noisy_maps()
    found = measure_uncertainty(maps, places, SIGMA)
    for person in range(3):
        for joint in range(4):
            mass, covariance = measure_slowly(
                maps[person, joint].astype(float), places[person, joint], 2.0, THRESHOLD
            )
            # float32 sums of 3072 cells times squares up to 60^2
            least = np.linalg.eigvalsh(covariance).min()
            if least > LEAST_VARIANCE:
                np.testing.assert_allclose(
                    found.covariances_cells2[person, joint],
                    covariance,
                    rtol=1e-3,
                    atol=1e-3,
                )
            between = places[person, joint] - np.round(places[person, joint])
            peak = maps[person, joint].max() * np.exp((between**2).sum() / 8)
            presence = min(1.0, np.sqrt(peak * mass))
            assert found.presence[person, joint] == pytest.approx(presence, rel=1e-3)


def test_numpy_and_torch_agree():
    maps, places = make_noisy_maps(seed=1)
    calibration = Calibration(
        *(np.full(4, value) for value in (1.5, 0.2, 1.0, 0.3, 1.2, 0.1, 0.8))
    )
    for fitted in (None, calibration):
        expected = measure_uncertainty(maps, places, SIGMA, fitted)
        found = measure_uncertainty(
            torch.tensor(maps), torch.tensor(places), SIGMA, fitted
        )
        assert found.presence.dtype == torch.float32
        for mine, theirs in zip(found, expected, strict=True):
            assert theirs.dtype == np.float32
            np.testing.assert_allclose(mine.numpy(), theirs, rtol=2e-4, atol=2e-4)


@settings(max_examples=25, deadline=None)
@given(
    variances=st.tuples(st.floats(0.3, 12), st.floats(0.3, 12)),
    angle=st.floats(0, np.pi),
    place=st.tuples(st.floats(22, 26), st.floats(28, 36)),
    sigma=st.floats(1.0, 3.0),
)
def test_recovers_the_covariance_of_a_known_posterior(variances, angle, place, sigma):
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    covariance = turn @ np.diag(variances) @ turn.T
    places, weights = spread_gaussian(np.array(place), covariance)
    found, presence = measure(
        draw_posterior_map(places, weights, sigma, SIZE), place, sigma
    )
    # The sum over cells is off by the bend of the map where it is cut: over a boundary
    # at sqrt(2 U) sigmas by at most slope x length / 8, relative to the moment
    # t (2 U)^2 / (16 moment_share) / sigma^2 = 0.10 / sigma^2; and the threshold by the
    # peak's place between cells, exp(1 / (4 sigma^2)) at most of t, which changes the
    # share of the moment by t U^2 / 2 x (exp(1 / (4 sigma^2)) - 1).
    bound = 0.10 / sigma**2 + 0.15 * (np.exp(0.25 / sigma**2) - 1)
    total = covariance + sigma**2 * np.eye(2)
    assert np.abs(found - covariance).max() <= bound * np.linalg.norm(total, 2)
    assert presence <= 1


def test_a_second_mode_adds_its_distance():
    distances = np.array([4.0, 8.0, 16.0])
    found = []
    for distance in distances:
        places = np.array([[16.0, 32.0], [16.0 + distance, 32.0]])
        heatmap = draw_posterior_map(places, np.array([0.7, 0.3]), 2.0, SIZE)
        found.append(measure(heatmap, places[0])[0])
    # About the first mode 0.3 d^2. The cut takes more from what is concentrated than from
    # one wide Gaussian, so that a moment may come out larger by 1 / moment_share = 1.2.
    for covariance, distance in zip(found, distances, strict=True):
        assert 0.9 * 0.3 * distance**2 - 0.5 <= covariance[0, 0]
        assert covariance[0, 0] <= 1.3 * 0.3 * distance**2 + 1
        assert covariance[1, 1] < 1.5


@settings(max_examples=20, deadline=None)
@given(st.floats(0.05, 0.95), st.floats(1, 40))
def test_height_of_a_map_changes_presence_alone(height, x):
    heatmap = draw_posterior_map(np.array([[x, 30.4]]), np.ones(1), 2.0, SIZE)
    whole, present = measure(heatmap, (x, 30.4))
    lower, less = measure(height * heatmap, (x, 30.4))
    np.testing.assert_allclose(lower, whole, atol=2e-3)
    assert less == pytest.approx(height * present, rel=0.05)


@pytest.mark.parametrize('distance', [0.0, 0.6, 1.5, 3.0, 6.0])
def test_a_border_hides_nothing(distance):
    place = np.array([distance, 30.3])
    covariance, presence = measure(
        draw_posterior_map(place[None], np.ones(1), 2.0, SIZE), place
    )
    # a certain joint, however much of its Gaussian is off the map; the part beyond three
    # sigmas, which is not mirrored, holds 1.5 % of a Gaussian's second moment: 0.12 of 8
    assert np.linalg.eigvalsh(covariance).max() <= 0.2 + 0.10
    assert presence == pytest.approx(1, abs=0.05)


def test_background_below_the_threshold_and_negative_cells_add_nothing():
    place = np.array([20.3, 30.6])
    heatmap = draw_posterior_map(place[None], np.ones(1), 2.0, SIZE)
    clean, _ = measure(heatmap, place)
    for background in (0.5 * THRESHOLD, -0.3):
        filled = np.where(heatmap > 0.2, heatmap, background)
        cut, _ = measure(np.where(heatmap > 0.2, heatmap, 0), place)
        found, _ = measure(filled, place)
        np.testing.assert_allclose(found, cut, atol=1e-4)
    assert np.linalg.eigvalsh(clean).max() < 0.1


@pytest.mark.parametrize('value', [0.0, -1.0, np.nan, np.inf])
def test_a_map_without_a_peak_is_a_joint_that_may_be_anywhere(value):
    maps = np.full((1, 1, SIZE[1], SIZE[0]), value, np.float32)
    with np.errstate(all='ignore'):
        found = measure_uncertainty(maps, np.full((1, 1, 2), -1, np.float32), SIGMA)
    centre = (np.array(SIZE) - 1) / 2 + 1
    expected = EVERYWHERE + centre**2 - 4
    np.testing.assert_allclose(
        np.diagonal(found.covariances_cells2[0, 0]), expected, rtol=1e-5
    )
    assert found.presence[0, 0] == 0


def test_a_flat_map_is_as_wide_as_the_crop():
    rng = np.random.default_rng(0)
    heatmap = 0.04 + 0.01 * rng.random((64, 48))
    covariance, _ = measure(heatmap, (23.5, 31.5))
    np.testing.assert_allclose(np.diagonal(covariance), EVERYWHERE, rtol=0.25)


def test_sigma_far_below_a_cell_is_measured_as_the_fit_has_it():
    heatmap = np.zeros((64, 48))
    heatmap[30, 20] = 1
    covariance, presence = measure(heatmap, (20, 30), sigma=0.1)
    np.testing.assert_allclose(covariance, LEAST_VARIANCE * np.eye(2), atol=1e-6)
    assert 0 < presence <= 1


@pytest.mark.parametrize('sizes', [(0, 17), (2, 1)])
def test_empty_batches_and_one_joint(sizes):
    maps = np.zeros((*sizes, 64, 48), np.float32)
    found = measure_uncertainty(maps, np.zeros((*sizes, 2), np.float32), SIGMA)
    assert found.covariances_cells2.shape == (*sizes, 2, 2)
    assert found.presence.shape == sizes


def test_refuses_other_numbers_of_joints():
    maps, places = np.zeros((1, 3, 8, 8), np.float32), np.zeros((1, 3, 2), np.float32)
    with pytest.raises(ValueError, match='2 sigmas'):
        measure_uncertainty(maps, places, np.array([1.0, 2.0]))
    with pytest.raises(ValueError, match='calibration has 2 joints for maps of 3'):
        measure_uncertainty(maps, places, SIGMA, Calibration.neutral(2))


@pytest.mark.slow
def test_exports_to_onnx(tmp_path):
    onnxruntime = pytest.importorskip('onnxruntime')
    pytest.importorskip('onnxscript')
    maps, places = make_noisy_maps(seed=2)
    maps[0, 0], maps[0, 1] = np.nan, -1
    calibration = Calibration.neutral(4)

    class Measure(torch.nn.Module):
        def forward(self, maps, places):
            return tuple(measure_uncertainty(maps, places, SIGMA, calibration))

    path = tmp_path / 'uncertainty.onnx'
    batch = torch.export.Dim('batch')
    torch.onnx.export(
        Measure().eval(),
        (torch.tensor(maps), torch.tensor(places)),
        path,
        dynamo=True,
        dynamic_shapes=({0: batch}, {0: batch}),
        verbose=False,
    )
    session = onnxruntime.InferenceSession(path)
    names = [part.name for part in session.get_inputs()]
    for rows in (slice(None), slice(0, 1)):
        found = session.run(
            None, dict(zip(names, (maps[rows], places[rows]), strict=True))
        )
        expected = measure_uncertainty(maps[rows], places[rows], SIGMA, calibration)
        for mine, theirs in zip(found, expected, strict=True):
            np.testing.assert_allclose(mine, theirs, rtol=2e-4, atol=2e-4)
