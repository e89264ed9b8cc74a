"""Targets of a batch against the codec's own, sample by sample."""

import numpy as np
import pytest
import torch
from mmpose.codecs import MSRAHeatmap, SimCCLabel, UDPHeatmap

from gm_pose.codecs import JointAdaptiveMSRAHeatmap
from gm_pose.fast_lane.device.batch_encoders import make_batch_encoder

# This side rounds two factors and their product: 3 * 2^-25 = 9e-8. MMPose's and numpy's
# side, see tests/ops/test_gaussian_targets.py, is measured to be below 1.1e-7 off.
TOLERANCE = 2e-7
# UDPHeatmap counts from the patch's corner, x0 = 3 s + a fraction, which numpy 1 rounds to
# float32: by 2^-21 where 3 s is 8 to 16. The map then moves by that times its slope, at
# most e^-0.5 / s per axis: 2^-21 * 0.607 / 2.67 * sqrt(2) = 1.5e-7 more.
UDP_TOLERANCE = 3.5e-7

SIZES = dict(input_size=(192, 256), heatmap_size=(48, 64))
UNEVEN = dict(input_size=(190, 250), heatmap_size=(48, 64))
SPREAD = np.linspace(0.3, 5, 17).tolist()
OWN = [
    dict(SIZES, sigmas='set2'),
    dict(SIZES, sigmas=2.0),
    dict(UNEVEN, sigmas=SPREAD),
    dict(UNEVEN, sigmas=SPREAD, grid='udp'),
    dict(UNEVEN, sigmas=SPREAD, alignment='legacy_msra'),
    dict(SIZES, sigmas=1.1, alignment='legacy_msra', balance_weights=True),
    dict(SIZES, sigmas='set1', balance_weights=True),
    dict(UNEVEN, sigmas=SPREAD, unbiased=True),
    dict(UNEVEN, sigmas='set2', unbiased=True, grid='udp', balance_weights=True),
]
STOCK = [
    *(
        dict(size, type='MSRAHeatmap', sigma=sigma, unbiased=unbiased)
        for size in (SIZES, UNEVEN)
        for sigma in (2, 3.0, 1.1, 1.25, 0.7, 2.3)
        for unbiased in (False, True)
    ),
    *(
        dict(size, type='UDPHeatmap', sigma=sigma)
        for size in (SIZES, UNEVEN)
        for sigma in (2, 3.0, 1.1, 1.25, 0.7, 2.3)
    ),
]


def make_joints(stride, sigma=2.0, count=48):
    """Anywhere, on borders of cells, next to them, and where a patch leaves the map."""
    rng = np.random.default_rng(0)
    joints = rng.uniform(-60, 320, (count, 17, 2)).astype(np.float32)
    cells = np.round(joints[:8] / stride)
    joints[:8] = (cells + np.float32(0.5)) * stride
    joints[8:16] = np.nextafter(joints[:8], np.float32(np.inf))
    joints[16:24] = np.nextafter(joints[:8], np.float32(-np.inf))
    outside = [-3 * sigma - 1, -3 * sigma, 48 + 3 * sigma, 64 + 3 * sigma]
    joints[24:26] = rng.choice(outside, (2, 17, 2)).astype(np.float32) * stride
    joints[26:28] = np.nextafter(joints[24:26], np.float32(np.inf))
    joints[28:30] = np.nextafter(joints[24:26], np.float32(-np.inf))
    joints[30], joints[31] = 1e9, -1e9
    visible = rng.choice(np.float32([0, 0.3, 0.5, 1, 2]), (count, 17))
    joints[32][visible[32] < 0.5] = np.nan
    return joints, visible


def compare(codec, draw, joints, visible, tolerance=TOLERANCE):
    maps, weights = draw(torch.from_numpy(joints), torch.from_numpy(visible))
    assert maps.dtype == weights.dtype == torch.float32
    assert maps.shape == (*visible.shape, *codec.heatmap_size[::-1])
    drawn = 0
    for b in range(len(joints)):
        with np.errstate(invalid='ignore'):
            expected = codec.encode(joints[b : b + 1], visible[b : b + 1])
        np.testing.assert_array_equal(weights[b], expected['keypoint_weights'][0])
        np.testing.assert_allclose(
            maps[b], expected['heatmaps'], rtol=0, atol=tolerance
        )
        drawn += np.count_nonzero(expected['heatmaps'].max((1, 2)) > 0.5)
    assert drawn > 100


@pytest.mark.parametrize('arguments', OWN, ids=str)
def test_own_codec_draws_what_encode_draws(arguments):
    codec = JointAdaptiveMSRAHeatmap(**arguments)
    joints, visible = make_joints(codec.scale_factor, float(codec.sigmas_cells[0]))
    compare(codec, codec.encode_batch, joints, visible)


@pytest.mark.parametrize('config', STOCK, ids=str)
def test_stock_codec_draws_what_encode_draws(config):
    draw = make_batch_encoder(config)
    kind = dict(MSRAHeatmap=MSRAHeatmap, UDPHeatmap=UDPHeatmap)[config['type']]
    codec = kind(**{k: v for k, v in config.items() if k != 'type'})
    joints, visible = make_joints(codec.scale_factor, config['sigma'])
    # MMPose turns places beyond int64 into integers, which is undefined
    joints[~np.isfinite(joints)] = 0
    tolerance = UDP_TOLERANCE if kind is UDPHeatmap else TOLERANCE
    compare(codec, draw, joints, visible, tolerance)


def test_joints_of_float64_are_placed_in_float64():
    codec = JointAdaptiveMSRAHeatmap(**SIZES, sigmas=2.0)
    below_half = np.full((1, 17, 2), (10.5 - 1e-12) * 4)
    maps, _ = codec.encode_batch(torch.from_numpy(below_half), torch.ones(1, 17))
    assert maps[0, 0].argmax() == 10 * 48 + 10
    expected = codec.encode(below_half)['heatmaps']
    np.testing.assert_allclose(maps[0], expected, rtol=0, atol=TOLERANCE)


@pytest.mark.parametrize('value', [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize('unbiased', [True, False])
def test_visible_joint_that_is_not_finite_makes_the_loss_nan(unbiased, value):
    codec = JointAdaptiveMSRAHeatmap(**SIZES, sigmas='set2', unbiased=unbiased)
    joints, visible = torch.full((2, 17, 2), 80.0), torch.ones(2, 17)
    joints[1, 3, 0] = value
    maps, weights = codec.encode_batch(joints, visible)
    assert maps[1, 3].isnan().all()
    assert weights[1, 3] == 1
    maps[1, 3] = 0
    assert maps.isfinite().all()
    visible[1, 3] = 0
    maps, weights = codec.encode_batch(joints, visible)
    assert not maps[1, 3].any()
    assert weights[1, 3] == 0


@pytest.mark.parametrize('arguments', [OWN[0], OWN[4], OWN[7]], ids=str)
def test_traces_without_a_break(arguments):
    """One graph: nothing in it reads a value, which a device would be waited for."""
    codec = JointAdaptiveMSRAHeatmap(**arguments)
    joints, visible = map(torch.from_numpy, make_joints(codec.scale_factor))
    expected = codec.encode_batch(joints, visible)
    torch._dynamo.reset()
    traced = torch.compile(codec.encode_batch, backend='eager', fullgraph=True)
    for found, value in zip(traced(joints, visible), expected, strict=True):
        torch.testing.assert_close(found, value, rtol=0, atol=0, equal_nan=True)


def test_constants_are_copied_to_a_device_once():
    codec = JointAdaptiveMSRAHeatmap(**SIZES, sigmas='set2')
    joints, visible = torch.rand(2, 17, 2) * 100, torch.ones(2, 17)
    codec.encode_batch(joints, visible)
    kept = codec._batch_targets._constants[joints.device]
    codec.encode_batch(joints, visible)
    assert codec._batch_targets._constants == {joints.device: kept}


@pytest.mark.parametrize(
    'config', [*STOCK, dict(OWN[0], type='JointAdaptiveMSRAHeatmap')], ids=str
)
def test_maps_are_drawn_on_the_device_that_is_named(config):
    """'meta' has shapes and no values: nothing drawn there can come from the CPU."""
    joints, visible = torch.rand(2, 17, 2) * 100, torch.ones(2, 17)
    maps, weights = make_batch_encoder(config)(joints, visible, torch.device('meta'))
    assert maps.device.type == weights.device.type == 'meta'
    assert maps.shape[:2] == weights.shape == (2, 17)


class _TwoArguments(JointAdaptiveMSRAHeatmap):
    def encode(self, keypoints, keypoints_visible=None):
        return super().encode(keypoints, keypoints_visible)

    def encode_batch(self, keypoints, keypoints_visible):
        assert keypoints.device.type == keypoints_visible.device.type == 'meta'
        return super().encode_batch(keypoints, keypoints_visible)


def test_codec_that_knows_no_device_is_given_joints_there():
    encode = make_batch_encoder(_TwoArguments(**SIZES, sigmas=2.0))
    joints, visible = torch.rand(2, 17, 2) * 100, torch.ones(2, 17)
    maps, _ = encode(joints, visible, torch.device('meta'))
    assert maps.shape == (2, 17, 64, 48)


def test_number_of_joints_must_be_the_tables():
    codec = JointAdaptiveMSRAHeatmap(**SIZES, sigmas='set2')
    with pytest.raises(ValueError, match='16'):
        codec.encode_batch(torch.zeros(2, 16, 2), torch.ones(2, 16))


class _OtherTargets(JointAdaptiveMSRAHeatmap):
    def encode(self, keypoints, keypoints_visible=None):
        return super().encode(keypoints + 1, keypoints_visible)


@pytest.mark.parametrize(
    ('codec', 'text'),
    [
        (
            dict(type='SimCCLabel', input_size=(192, 256), sigma=6.0),
            'codec SimCCLabel',
        ),
        (SimCCLabel(input_size=(192, 256), sigma=6.0), 'codec SimCCLabel'),
        (
            dict(SIZES, type='UDPHeatmap', heatmap_type='combined'),
            "UDPHeatmap with heatmap_type='combined'",
        ),
        ([dict(SIZES, type='MSRAHeatmap', sigma=2)] * 4, '4 codecs at once'),
        (_OtherTargets(**SIZES, sigmas=2.0), 'codec _OtherTargets'),
        (dict(SIZES, type='JointAdaptiveMSRAHeatmap', sigmas='x'), "'x'"),
    ],
    ids=lambda v: v if isinstance(v, str) else '',
)
def test_other_codecs_are_named(codec, text):
    with pytest.raises(ValueError, match=text):
        make_batch_encoder(codec)
