"""Coarse dropout: which crops, how large, where, and from which generator."""

import numpy as np
import pytest
from mmpose.registry import TRANSFORMS

from gm_pose.fast_lane.loading.pixel_transforms import PixelTransforms

SIZE = (64, 48)


def erase(seed, **options):
    crop = np.full((*SIZE, 3), 200, np.uint8)
    PixelTransforms([dict(type='RandomErasing', **options)]).apply(crop, (7, seed))
    return (crop == 0).all(2)


def test_a_rectangle_of_the_stated_area_and_shape_is_black():
    whole, places = SIZE[0] * SIZE[1], set()
    for seed in range(60):
        black = erase(seed, prob=1.0)
        rows, columns = black.any(1).nonzero()[0], black.any(0).nonzero()[0]
        h, w = np.ptp(rows) + 1, np.ptp(columns) + 1
        assert black.sum() == h * w  # one rectangle, filled
        # each side is rounded by half a px at most
        assert 0.04 * whole <= (h + 0.5) * (w + 0.5)
        assert (h - 0.5) * (w - 0.5) <= 0.16 * whole
        assert (h + 0.5) / (w - 0.5) >= 0.5
        assert (h - 0.5) / (w + 0.5) <= 2
        places.add((rows[0], columns[0]))
    assert len(places) > 50


def test_half_of_the_crops_stay_as_they_are():
    changed = sum(erase(seed).any() for seed in range(400))
    assert abs(changed - 200) < 4 * 10  # four standard deviations of a coin
    assert not any(erase(seed, prob=0.0).any() for seed in range(20))


def test_same_seed_same_rectangle():
    assert np.array_equal(erase(3, prob=1.0), erase(3, prob=1.0))
    assert not np.array_equal(erase(3, prob=1.0), erase(4, prob=1.0))


@pytest.mark.parametrize(
    ('options', 'text'),
    [
        (dict(prob=1.5), 'prob is 1.5; expected 0 to 1'),
        (dict(scale=(0.2, 0.1)), r'scale is \(0.2, 0.1\); expected the least'),
        (dict(scale=(0.1, 1.1)), r'scale is \(0.1, 1.1\)'),
        (dict(ratio=(0.0, 1.0)), r'ratio is \(0.0, 1.0\)'),
    ],
)
def test_wrong_arguments_are_named(options, text):
    with pytest.raises(ValueError, match=text):
        TRANSFORMS.build(dict(type='RandomErasing', **options))
