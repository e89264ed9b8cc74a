"""The page warns of a misplaced grid, and of nothing that looks like one from afar."""

from types import SimpleNamespace

import numpy as np
import pytest
from report_people import make_truth, predict, read

from gm_pose.report.analysis.estimates import Estimate
from gm_pose.report.page.summary import describe_empty_images, describe_shift
from gm_pose.runs.user_errors import UserError

HALF_A_CELL, UP = np.array([0.5, 0]), np.array([0, 2])


def describe(offsets, half_width=0.1, targets='known'):
    """The warnings of a run whose K joints lie off by (K, 2) cells."""
    joints = [
        SimpleNamespace(
            offsets=tuple(Estimate(v, v - half_width, v + half_width) for v in pair)
        )
        for pair in offsets
    ]
    inputs = SimpleNamespace(targets=None if targets is None else object())
    return describe_shift(SimpleNamespace(inputs=inputs, joints=joints))


@pytest.fixture
def noise():
    """(17, 2) cells: what a trained network's joints differ by."""
    return np.random.default_rng(0).normal(scale=0.06, size=(17, 2))


def test_grid_that_is_half_a_cell_off_is_told_with_its_direction(noise):
    (text,) = describe(noise + HALF_A_CELL)
    assert 'heatmap cells right of the annotations' in text
    (text,) = describe(noise - HALF_A_CELL - UP)
    assert 'cells left and ' in text
    assert 'cells up of the annotations' in text


def test_trained_network_is_not_warned_of(noise):
    assert describe(noise) == []


def test_joints_that_each_lie_off_in_their_own_way_are_not_a_grid():
    # of a network that predicts everything near the middle of the crop: AP 0
    heights = np.linspace(6, -12, 17)
    assert describe(np.column_stack([heights / 4, heights + 4])) == []


def test_offsets_that_may_be_zero_or_are_not_in_cells_are_not_told(noise):
    assert describe(noise + HALF_A_CELL, half_width=1) == []
    assert describe(noise + HALF_A_CELL, targets=None) == []


def test_images_without_predictions_are_counted(tmp_path):
    truth = make_truth()
    results = predict(truth, 5.0)
    assert describe_empty_images(read(tmp_path, truth, results)) == []
    image_id = results[0]['image_id']
    left = [result for result in results if result['image_id'] != image_id]
    (text,) = describe_empty_images(read(tmp_path, truth, left))
    count = len({person['image_id'] for person in truth['annotations']})
    assert text == f'run predicts nobody in 1 of {count} images with people.'


def test_numbers_that_are_not_finite_name_their_image(tmp_path):
    truth = make_truth()
    results = predict(truth, 5.0)
    results[3]['keypoints'][4] = float('nan')
    with pytest.raises(UserError, match=f'first in image {results[3]["image_id"]}'):
        read(tmp_path, truth, results)
