"""`FootHeatmap`: a second, wider Gaussian below each joint's own."""

import numpy as np
import pytest
import torch

from gm_pose.codecs import JointAdaptiveMSRAHeatmap
from studies.variants.foot_heatmap import FootHeatmap

SIZES = dict(input_size=(96, 128), heatmap_size=(48, 64), unbiased=True)
SIGMAS = [1.0, 1.5, 2.0]
FOOT = dict(share=0.4, factor=2.0)


def make_codec(**options):
    kind = FootHeatmap if 'foot' in options else JointAdaptiveMSRAHeatmap
    return kind(**SIZES, **dict(dict(sigmas=SIGMAS), **options))


@pytest.fixture(scope='module')
def joints():
    return np.array([[[40.3, 60.9], [20.0, 33.3], [71.2, 100.4]]], np.float32)


def test_target_is_the_mixture_of_two_targets(joints):
    narrow, wide = (
        make_codec(sigmas=[factor * sigma for sigma in SIGMAS]).encode(joints)
        for factor in (1, FOOT['factor'])
    )
    found = make_codec(foot=FOOT).encode(joints)
    expected = 0.6 * narrow['heatmaps'] + 0.4 * wide['heatmaps']
    np.testing.assert_allclose(found['heatmaps'], expected, atol=1e-6)
    np.testing.assert_array_equal(found['keypoint_weights'], narrow['keypoint_weights'])


def test_batch_is_encoded_as_one_by_one(joints):
    codec = make_codec(foot=FOOT, balance_weights=True)
    outside = joints + 400
    visible = np.array([[1.0, 0.0, 1.0]], np.float32)
    batch = np.concatenate([joints, joints, outside])
    seen = np.concatenate([np.ones((1, 3), np.float32), visible, visible])
    maps, weights = codec.encode_batch(torch.from_numpy(batch), torch.from_numpy(seen))
    for index in range(3):
        one = codec.encode(batch[index : index + 1], seen[index : index + 1])
        np.testing.assert_allclose(maps[index], one['heatmaps'], atol=1e-6)
        np.testing.assert_allclose(
            weights[index], one['keypoint_weights'][0], rtol=1e-6
        )


def test_narrow_gaussian_is_decoded(joints):
    codec = make_codec(foot=FOOT)
    decoded, _ = codec.decode(codec.encode(joints)['heatmaps'])
    assert np.abs(decoded - joints).max() < 0.3


@pytest.mark.parametrize(
    ('foot', 'text'),
    [
        (dict(share=0.4), 'expected dict'),
        (dict(share=0.0, factor=2.0), 'between 0 and 1'),
        (dict(share=0.4, factor=1.0), 'above 1'),
    ],
)
def test_unusable_foot_is_refused(foot, text):
    with pytest.raises(ValueError, match=text):
        make_codec(foot=foot)


def test_foot_needs_exact_places():
    with pytest.raises(ValueError, match='unbiased=True'):
        FootHeatmap(**dict(SIZES, unbiased=False), sigmas=SIGMAS, foot=FOOT)


def test_the_package_does_not_know_the_foot():
    with pytest.raises(TypeError, match="unexpected keyword argument 'foot'"):
        JointAdaptiveMSRAHeatmap(**SIZES, sigmas=SIGMAS, foot=FOOT)
