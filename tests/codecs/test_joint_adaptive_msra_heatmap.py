"""The registered codec: MMPose's contract, the neutral settings, errors."""

import copy
import pickle
import re

import numpy as np
import pytest
import torch
from mmpose.codecs import MSRAHeatmap
from mmpose.models.losses import KeypointMSELoss
from mmpose.registry import KEYPOINT_CODECS

from gm_pose.codecs import JointAdaptiveMSRAHeatmap
from gm_pose.ops.sigma_tables import SIGMA_TABLES
from gm_pose.ops.skeleton import COCO_JOINT_NAMES

SIZES = dict(input_size=(192, 256), heatmap_size=(48, 64))


def build(**kwargs):
    return KEYPOINT_CODECS.build(
        dict(type='JointAdaptiveMSRAHeatmap', **{**SIZES, 'sigmas': 'set2', **kwargs})
    )


def make_joints(seed=0, margin=0.0, num_joints=17):
    """Joints (1, K, 2) up to `margin` px outside the input, visibilities 0, 1."""
    rng = np.random.default_rng(seed)
    low, high = -margin, np.array([192, 256]) + margin
    joints = rng.uniform(low, high, (1, num_joints, 2)).astype(np.float32)
    return joints, (rng.random((1, num_joints)) < 0.8).astype(np.float32)


def test_builds_from_the_registry_and_decodes_by_batch():
    codec = build()
    assert isinstance(codec, JointAdaptiveMSRAHeatmap)
    assert codec.support_batch_decoding


@pytest.mark.parametrize('unbiased', [False, True])
def test_shapes_and_dtypes_are_those_of_msra_heatmap(unbiased):
    joints, visible = make_joints()
    ours, stock = build(unbiased=unbiased), MSRAHeatmap(**SIZES, sigma=2.0)
    for args in ((joints, visible), (joints,), (joints.astype(np.float64), visible)):
        encoded, expected = ours.encode(*args), stock.encode(*args)
        assert encoded.keys() == expected.keys()
        for key in encoded:
            assert encoded[key].shape == expected[key].shape
            assert encoded[key].dtype == expected[key].dtype
    for got, wanted in zip(
        ours.decode(encoded['heatmaps']), stock.decode(encoded['heatmaps']), strict=True
    ):
        assert got.shape == wanted.shape
        assert got.dtype == wanted.dtype


@pytest.mark.parametrize('sigma', [2, 2.0, 3.0])
def test_neutral_biased_setting_is_msra_heatmap_bit_for_bit(sigma):
    """Encode, weights and decode, for all joints inside the input."""
    ours, stock = build(sigmas=sigma), MSRAHeatmap(**SIZES, sigma=sigma)
    for seed in range(50):
        joints, visible = make_joints(seed)
        encoded, expected = ours.encode(joints, visible), stock.encode(joints, visible)
        for key in expected:
            np.testing.assert_array_equal(encoded[key], expected[key])
        noise = np.random.default_rng(seed).normal(0, 0.1, (17, 64, 48))
        maps = expected['heatmaps'] + noise.astype(np.float32)
        for got, wanted in zip(ours.decode(maps), stock.decode(maps), strict=True):
            np.testing.assert_array_equal(got, wanted)


@pytest.mark.parametrize('sigma', [2.0, 3.0, 1.1, 0.84])
def test_neutral_unbiased_targets_are_mmposes(sigma):
    """2e-7: see test_gaussian_encoding."""
    ours = build(sigmas=sigma, unbiased=True)
    stock = MSRAHeatmap(**SIZES, sigma=sigma, unbiased=True)
    for seed in range(20):
        joints, visible = make_joints(seed, margin=40)
        encoded, expected = ours.encode(joints, visible), stock.encode(joints, visible)
        assert np.abs(encoded['heatmaps'] - expected['heatmaps']).max() <= 2e-7
        np.testing.assert_array_equal(
            encoded['keypoint_weights'], expected['keypoint_weights']
        )


@pytest.mark.parametrize('table', SIGMA_TABLES)
def test_legacy_alignment_is_mmposes_channel_by_channel(table):
    """Every published table, inside, on all borders and outside."""
    ours = build(sigmas=table, alignment='legacy_msra')
    for seed in range(20):
        joints, visible = make_joints(seed, margin=40)
        encoded = ours.encode(joints, visible)
        for k, sigma in enumerate(ours.sigmas_cells.tolist()):
            stock = MSRAHeatmap(**SIZES, sigma=sigma)
            expected = stock.encode(joints[:, k : k + 1], visible[:, k : k + 1])
            np.testing.assert_array_equal(
                encoded['heatmaps'][k], expected['heatmaps'][0]
            )
            assert (
                encoded['keypoint_weights'][0, k] == expected['keypoint_weights'][0, 0]
            )


@pytest.mark.parametrize('sigma', [0.8, 1.1, 1.42, 2.0, 3.0])
@pytest.mark.parametrize(('unbiased', 'bound_px'), [(False, 2.0), (True, 0.05)])
def test_there_and_back_in_input_px(sigma, unbiased, bound_px):
    """Biased: rounding to whole cells is off by at most half a cell = 2 px per axis, and
    the quarter offset is 0 on a symmetric target. Unbiased: 0.05 px is asked for; the
    reason is in test_heatmap_decoding. 1e-4: float32 at 256 px."""
    codec = build(sigmas=[sigma] * 17, unbiased=unbiased)
    for seed in range(20):
        rng = np.random.default_rng(seed)
        joints = rng.uniform(12, (176, 240), (1, 17, 2)).astype(np.float32)
        decoded, _ = codec.decode(codec.encode(joints)['heatmaps'])
        assert np.abs(decoded - joints).max() <= bound_px + 1e-4


def test_invisible_and_outside_joints_have_empty_maps():
    codec = build(sigmas=[2.0] * 4)
    joints = np.array([[[96, 128], [np.nan, 1], [-100, 5], [300, 128]]], np.float32)
    encoded = codec.encode(joints, np.array([[2.0, 0.3, 1, 1]], np.float32))
    np.testing.assert_array_equal(
        encoded['keypoint_weights'], np.array([[2, 0.3, 0, 0]], np.float32)
    )
    assert encoded['heatmaps'][0].max() == 1
    assert not encoded['heatmaps'][1:].any()


def test_input_arrays_are_left_alone():
    codec = build(balance_weights=True, unbiased=True)
    joints, visible = make_joints()
    before = joints.copy(), visible.copy()
    maps = codec.encode(joints, visible)['heatmaps']
    kept = maps.copy()
    codec.decode(maps)
    codec.batch_decode(torch.from_numpy(maps)[None])
    np.testing.assert_array_equal(joints, before[0])
    np.testing.assert_array_equal(visible, before[1])
    np.testing.assert_array_equal(maps, kept)


def test_batch_decode_gives_lists_as_mmposes_heads_want_them():
    codec = build(unbiased=True)
    maps = np.stack([codec.encode(make_joints(s)[0])['heatmaps'] for s in range(3)])
    keypoints, scores = codec.batch_decode(torch.from_numpy(maps).requires_grad_())
    assert len(keypoints) == len(scores) == 3
    for b in range(3):
        expected = codec.decode(maps[b])
        np.testing.assert_allclose(keypoints[b], expected[0], atol=1e-4)
        np.testing.assert_array_equal(scores[b], expected[1])


def test_balance_weights_scale_the_loss_per_joint_with_mean_one():
    """Through MMPose's own loss: an empty prediction costs every joint the same."""
    plain, balanced = build(unbiased=True), build(unbiased=True, balance_weights=True)
    joints = np.tile(np.float32([[[96, 128]]]), (1, 17, 1))
    encoded = balanced.encode(joints)
    weights = encoded['keypoint_weights']
    assert (plain.encode(joints)['keypoint_weights'] == 1).all()
    assert weights.mean() == pytest.approx(1, abs=1e-6)
    sigmas = balanced.sigmas_cells
    np.testing.assert_allclose(weights[0] * sigmas**2, (1 / (1 / sigmas**2).mean()))
    loss = KeypointMSELoss(use_target_weight=True)
    target = torch.from_numpy(encoded['heatmaps'])[None]
    per_joint = [
        float(loss(target * 0, target, torch.from_numpy(weights) * torch.eye(17)[k]))
        for k in range(17)
    ]
    # energy is pi s^2 to 4 exp(-pi^2 s^2) = 0.4 % at 0.84
    assert max(per_joint) / min(per_joint) < 1.01
    # unlabelled joints stay at 0, and a whole-number visibility array is accepted
    visible = np.zeros((1, 17), dtype=np.int64)
    assert not balanced.encode(joints, visible)['keypoint_weights'].any()


@pytest.mark.parametrize('shift', [0.25, 1.0])
def test_a_shift_costs_the_weight_and_hardly_the_width(shift):
    """Squared error of a map drawn `shift` cells away: 2 pi s^2 (1 - exp(-d^2 / 4 s^2)).

    That is (pi / 2) d^2 to second order, without s: see docs/study-runs.md, "Why it helps".
    """
    sigmas = np.array([1.0, 1.5, 2.0, 3.0])
    names = dict(zip(COCO_JOINT_NAMES, sigmas, strict=False))
    codec = build(sigmas=dict(names, default=2.0), unbiased=True)
    joints = np.tile(np.float32([[[96, 128]]]), (1, 17, 1))
    moved = joints + np.float32([4 * shift, 0])
    difference = codec.encode(moved)['heatmaps'] - codec.encode(joints)['heatmaps']
    cost = np.square(difference, dtype=np.float64).sum((1, 2))[: len(sigmas)]
    exact = 2 * np.pi * sigmas**2 * -np.expm1(-(shift**2) / (4 * sigmas**2))
    # for small shifts the sum over cells differs from the integral by up to
    # 4 pi^2 s^2 exp(-pi^2 s^2) of it: 2.04e-3 at s = 1, nothing to speak of above
    np.testing.assert_allclose(cost, exact, rtol=2.1e-3)
    # 1 - exp(-t) lies between t - t^2 / 2 and t
    assert (cost < np.pi / 2 * shift**2 * 1.0021).all()
    assert (cost > np.pi / 2 * shift**2 * (0.9979 - shift**2 / (8 * sigmas**2))).all()


def test_pickles_and_copies():
    codec = build(
        sigmas=dict(oks='coco', mean=2.0), unbiased=True, balance_weights=True
    )
    joints, visible = make_joints()
    expected = codec.encode(joints, visible)
    for twin in (pickle.loads(pickle.dumps(codec)), copy.deepcopy(codec)):
        assert repr(twin) == repr(codec)
        for key, value in twin.encode(joints, visible).items():
            np.testing.assert_array_equal(value, expected[key])


def test_repr_shows_the_resolved_sigma_of_each_joint():
    text = repr(build(sigmas='set1', heatmap_size=(72, 96), input_size=(288, 384)))
    assert 'nose: 1.65' in text
    assert 'left_hip: 3.3' in text
    assert 'sigmas_cells=2,' in repr(build(sigmas=2.0)).replace('=2)', '=2,')


OKS_SIGMAS = dict(oks='coco', mean=3.0)


def test_decode_sigmas_change_no_target_and_bring_the_joints_back():
    plain = build(unbiased=True)
    blurred = build(unbiased=True, decode_sigmas=OKS_SIGMAS)
    rng = np.random.default_rng(0)
    # 2 s and more from the borders for Set 2's widest, 7 cells for the widest reading
    joints = rng.uniform((28, 28), (160, 224), (1, 17, 2)).astype(np.float32)
    encoded, expected = blurred.encode(joints), plain.encode(joints)
    for key in encoded:
        np.testing.assert_array_equal(encoded[key], expected[key])
    got, scores = blurred.decode(encoded['heatmaps'])
    # at 0.84 cells, the narrowest, the kernel's cut leaves 0.001 cells of 4 px
    np.testing.assert_allclose(got, joints, atol=0.005)
    # the peak lies up to half a cell per axis beside a cell: 1 / (4 s^2) of it at s = 1.1
    assert (scores > 1 - 0.25 / 1.1**2).all()
    assert (scores < 1.01).all()


def test_decode_sigmas_of_a_uniform_codec_are_read_joint_by_joint():
    codec = build(sigmas=2.0, unbiased=True, decode_sigmas=OKS_SIGMAS)
    # nose, eyes and ears have less than 2 cells, and stay at 2
    assert codec.decode_sigmas_cells[:5].tolist() == [2.0] * 5
    assert codec.decode_sigmas_cells[11] == pytest.approx(4.795, abs=0.001)
    maps = np.random.default_rng(0).random((3, 17, 64, 48), dtype=np.float32)
    keypoints, scores = codec.batch_decode(torch.from_numpy(maps))
    for b in range(3):
        one, score = codec.decode(maps[b])
        np.testing.assert_allclose(keypoints[b], one, atol=1e-3)
        np.testing.assert_allclose(scores[b], score, rtol=1e-5)
    plain = build(sigmas=2.0, unbiased=True).decode(maps[0])
    np.testing.assert_array_equal(codec.decode(maps[0])[1][:, :5], plain[1][:, :5])
    with pytest.raises(ValueError, match=r"joint 16 \('right_ankle'\)"):
        codec.decode(maps[0, :16])
    assert 'decode_sigmas_cells={nose: 2, ' in repr(codec)
    with pytest.raises(ValueError, match=r'maps are \(72, 96\) cells'):
        codec.decode(np.zeros((17, 96, 72), np.float32))


def test_one_number_fits_any_skeleton():
    codec = build(sigmas=2.0, unbiased=True)
    for count in (1, 5, 133):
        joints, _ = make_joints(num_joints=count)
        maps = codec.encode(joints)['heatmaps']
        assert maps.shape == (count, 64, 48)
        assert codec.decode(maps)[0].shape == (1, count, 2)


@pytest.mark.parametrize(
    ('kwargs', 'message'),
    [
        (dict(sigmas=0), 'must be finite and > 0, got 0'),
        (dict(sigmas=-1.5), 'must be finite and > 0, got -1.5'),
        (dict(sigmas=float('nan')), 'must be finite and > 0, got nan'),
        (dict(sigmas=[2.0] * 3 + [0.0]), 'sigma of joint 3 must be finite and > 0'),
        (dict(sigmas=[2.0, '1']), "sigma of joint 1 must be a number > 0, got '1'"),
        (dict(sigmas=True), 'must be a number > 0, got True'),
        (dict(sigmas=[]), 'one number per joint'),
        (dict(sigmas=None), "['set1', 'set2']"),
        (dict(sigmas='set3'), "table 'set3': the tables are ['set1', 'set2']"),
        (dict(sigmas=dict(nose=1.0)), "no sigma for ['left_eye'"),
        (
            dict(sigmas=dict.fromkeys((*COCO_JOINT_NAMES, 'tail'), 1.0)),
            "['tail'], which are no joints of 'coco': its joints are ['nose'",
        ),
        (
            dict(sigmas=[1.0] * 14, dataset='coco'),
            "joint 14 ('right_knee') is the first",
        ),
        (dict(sigmas=dict(oks='cocoo', mean=2.0)), "unknown dataset 'cocoo'"),
        (dict(sigmas=dict(oks='coco')), 'needs mean=CELLS'),
        (dict(sigmas=dict(oks='coco', mean=-1)), 'mean must be finite and > 0, got -1'),
        (dict(sigmas=dict(oks='coco', mean=2, powr=1)), "unknown keys ['powr']"),
        (dict(sigmas=dict(table='set2', power=0.5)), 'needs a mean'),
        (dict(sigmas=2.0, dataset='no/such.py'), "'no/such.py' does not exist"),
        (dict(alignment='center'), "is 'center'; expected one of ('centered', 'legacy"),
        (
            dict(alignment='legacy_msra', unbiased=True),
            "'legacy_msra' with unbiased=True; expected 'centered'",
        ),
        (
            dict(alignment='legacy_msra', grid='udp'),
            "'legacy_msra' with grid='udp'; expected 'centered'",
        ),
        (dict(grid='dark'), "grid is 'dark'; expected one of ('stride', 'udp')"),
        (
            dict(grid='udp', heatmap_size=(1, 64)),
            'heatmap_size is (1, 64); expected two cells or more a side',
        ),
        (dict(decode_sigmas=3.0), 'decode_sigmas is 3.0 with unbiased=False; expected'),
        (
            dict(decode_sigmas=0.5, unbiased=True),
            'decode_sigmas=0.5 is above the sigma of no joint',
        ),
        (
            dict(decode_sigmas='set3', unbiased=True),
            "decode_sigmas: unknown sigma table 'set3'",
        ),
        (
            dict(decode_sigmas=[3.0] * 16, unbiased=True),
            'decode_sigmas has 16 sigmas for joints without names and sigmas has 17',
        ),
        (
            dict(sigmas=[2.0], decode_sigmas='set1', unbiased=True),
            'decode_sigmas has 17 sigmas for nose, ..., right_ankle and sigmas has 1 for',
        ),
        (
            dict(
                sigmas=dict(oks='coco', mean=1.0),
                decode_sigmas=dict(oks='ap10k', mean=3.0),
                unbiased=True,
            ),
            "decode_sigmas: sigmas=dict(oks='ap10k') has its own skeleton",
        ),
        (
            dict(decode_sigmas=dict(oks='ap10k', mean=3.0), unbiased=True),
            'both must be of the same joints',
        ),
        (
            dict(decode_sigmas=65.0, unbiased=True),
            'a sigma of 65 cells, more than the map of (48, 64) has',
        ),
        (
            dict(heatmap_size=(48, 0)),
            'heatmap_size is (48, 0); expected two whole numbers',
        ),
        (
            dict(input_size=(192,)),
            'input_size is (192,); expected two whole numbers > 0',
        ),
    ],
)
def test_unusable_arguments_raise_at_construction(kwargs, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        JointAdaptiveMSRAHeatmap(**{**SIZES, 'sigmas': 'set2', **kwargs})


def test_the_old_name_of_the_legacy_alignment_is_read_with_a_warning():
    with pytest.warns(DeprecationWarning, match="'msra' is now 'legacy_msra'"):
        old = build(alignment='msra')
    assert repr(old) == repr(build(alignment='legacy_msra'))


def test_unknown_argument_is_not_swallowed():
    with pytest.raises(TypeError, match='sigma'):
        build(sigma=2)


@pytest.mark.parametrize(
    ('joints', 'visible', 'message'),
    [
        (np.zeros((2, 17, 2)), None, 'encodes one instance'),
        (np.zeros((1, 17, 3)), None, 'encodes one instance with 2-D joints'),
        (
            np.zeros((1, 16, 2)),
            None,
            "16 joints: the sigma of joint 16 ('right_ankle')",
        ),
        (np.zeros((1, 17, 2)), np.ones((1, 16)), 'keypoints_visible is (1, 16) for'),
        (np.full((1, 17, 2), np.nan), None, 'visible joint 0 (nose) is at [nan, nan]'),
        (np.full((1, 17, 2), np.inf), None, 'mark it invisible or repair'),
    ],
)
def test_unusable_annotations_raise(joints, visible, message):
    for unbiased in (False, True):
        with pytest.raises(ValueError, match=re.escape(message)):
            build(unbiased=unbiased).encode(joints.astype(np.float32), visible)


def test_maps_of_another_skeleton_raise():
    codec = build()
    with pytest.raises(ValueError, match='17 sigmas for 16 joints'):
        codec.decode(np.zeros((16, 64, 48), np.float32))
    with pytest.raises(
        ValueError, match='17 sigmas for 19 joints: joint 17 is the first'
    ):
        codec.batch_decode(torch.zeros(2, 19, 64, 48))


def test_finite_joints_too_large_to_add_up_are_no_error():
    """Their sum overflows float32; each of them is finite."""
    joints = np.full((1, 17, 2), 3e38, np.float32)
    assert not build().encode(joints)['keypoint_weights'].any()
