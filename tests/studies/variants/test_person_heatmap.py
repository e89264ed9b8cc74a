"""`PersonHeatmap`: sigmas of a joint and a person."""

import math

import numpy as np
import pytest
import torch

from gm_pose.codecs import JointAdaptiveMSRAHeatmap
from studies.variants.person_heatmap import PersonHeatmap, list_person_sigmas

SIZES = dict(input_size=(96, 128), heatmap_size=(48, 64), unbiased=True)
SIGMAS, ROOT = [1.0, 1.5, 2.0], 20.0
JOINTS = np.array([[[40.3, 60.9], [20.0, 33.3], [71.2, 100.4]]], np.float32)


def make_codec(**options):
    return PersonHeatmap(
        **SIZES, **dict(dict(sigmas=SIGMAS, root_cells=ROOT), **options)
    )


def draw_slowly(joint, sigma):
    """Cell by cell, from the formula."""
    x, y = (float(value) / 2 for value in joint)  # 2 px a cell
    return [
        [
            math.exp(-((column - x) ** 2 + (row - y) ** 2) / (2 * sigma**2))
            for column in range(48)
        ]
        for row in range(64)
    ]


@pytest.mark.parametrize(
    ('area', 'factor'),
    # the crop is 240 image px wide, 5 a cell: roots of 20, 30, 5 and 100 cells
    [(100.0**2, 1.0), (150.0**2, 1.5), (25.0**2, 0.5), (500.0**2, 2.0)],
)
def test_targets_are_gaussians_of_the_person_s_sigma(area, factor):
    codec = make_codec(balance_weights=True)
    found = codec.encode(JOINTS, None, np.array(area), np.array([240.0, 320.0]))
    for k, sigma in enumerate(SIGMAS):
        expected = draw_slowly(JOINTS[0, k], sigma * factor)
        # one rounding to float32 of each factor and of the product
        np.testing.assert_allclose(found['heatmaps'][k], expected, atol=3e-7)
    inverse = [1 / sigma**2 for sigma in SIGMAS]
    weights = [3 * value / sum(inverse) / factor**2 for value in inverse]
    np.testing.assert_allclose(found['keypoint_weights'][0], weights, rtol=1e-6)


def test_batch_is_encoded_as_one_by_one():
    codec = make_codec(balance_weights=True)
    batch = np.concatenate([JOINTS, JOINTS, JOINTS + 400])
    visible = np.array([[1, 1, 1], [1, 0, 1], [1, 0, 1]], np.float32)
    roots = np.array([44.0, 26.0, 90.0], np.float32)  # px of the crop
    codec.set_roots(torch.from_numpy(roots))
    maps, weights = codec.encode_batch(
        torch.from_numpy(batch), torch.from_numpy(visible)
    )
    for i in range(3):
        one = codec.encode(
            batch[i : i + 1], visible[i : i + 1], roots[i] ** 2, np.array([96.0, 128.0])
        )
        np.testing.assert_allclose(maps[i], one['heatmaps'], atol=3e-7)
        np.testing.assert_allclose(weights[i], one['keypoint_weights'][0], rtol=1e-6)


def test_person_of_the_median_size_has_the_parent_s_targets():
    parent = JointAdaptiveMSRAHeatmap(**SIZES, sigmas=SIGMAS, balance_weights=True)
    expected = parent.encode(JOINTS)
    codec = make_codec(balance_weights=True)
    found = codec.encode(JOINTS, None, np.array(40.0**2), np.array([96.0, 128.0]))
    for key, value in expected.items():
        np.testing.assert_array_equal(found[key], value)


def test_sigmas_to_read_maps_at():
    found = list_person_sigmas(make_codec(), np.array([10.0, 20.0, 30.0, 90.0]))
    np.testing.assert_allclose(found, np.outer([0.5, 1.0, 1.5, 2.0], SIGMAS))


def test_what_cannot_be_meant_is_refused():
    with pytest.raises(ValueError, match=r'limits are \(1.5, 2\)'):
        make_codec(limits=(1.5, 2))
    with pytest.raises(ValueError, match='root_cells is 0'):
        make_codec(root_cells=0)
    with pytest.raises(ValueError, match='Fix: unbiased=True'):
        PersonHeatmap(**dict(SIZES, unbiased=False), sigmas=2.0, root_cells=ROOT)
    with pytest.raises(ValueError, match='without set_roots'):
        make_codec().encode_batch(torch.from_numpy(JOINTS), torch.ones(1, 3))
