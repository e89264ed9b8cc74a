"""The codec on MMPose's two grids: from the image to maps and back, and who is off."""

import numpy as np
import pytest
from mmengine.config import Config
from mmpose.codecs import UDPHeatmap
from mmpose_configs import crop, to_image

from gm_pose.codecs import JointAdaptiveMSRAHeatmap
from gm_pose.codecs.config_rules import find_grid_problems, find_visibility_problems

SIZES = dict(input_size=(192, 256), heatmap_size=(48, 64))


def build(**options):
    return JointAdaptiveMSRAHeatmap(**SIZES | dict(sigmas=2.0, unbiased=True) | options)


def make_crop(use_udp: bool, count: int = 300):
    """Joints (1, N, 2) of a 375x500 image, away from its border, and their crop."""
    affine = dict(type='TopdownAffine', input_size=(192, 256), use_udp=use_udp)
    pipeline = [dict(type='GetBBoxCenterScale'), affine]
    cfg = Config(dict(val_dataloader=dict(dataset=dict(pipeline=pipeline))))
    rng = np.random.default_rng(0)
    joints = rng.uniform((60, 80), (315, 420), (1, count, 2)).astype(np.float32)
    return joints, crop(cfg, joints)


def there_and_back(codec, joints, cropped):
    """Errors (N, 2) in px of the image."""
    maps = codec.encode(cropped['transformed_keypoints'])['heatmaps']
    return (to_image(codec.decode(maps)[0], cropped) - joints)[0]


@pytest.mark.parametrize('use_udp', [False, True])
@pytest.mark.parametrize(
    'options', [{}, dict(sigmas=1.0), dict(sigmas=3.0, balance_weights=True)]
)
def test_joints_come_back_on_the_grid_of_the_pipeline(use_udp, options):
    """0.01 px of the image, 0.001 cells: the fit's own error and float32 at 500 px."""
    joints, cropped = make_crop(use_udp)
    codec = build(grid='udp' if use_udp else 'stride', **options)
    assert np.abs(there_and_back(codec, joints, cropped)).max() < 0.01


@pytest.mark.parametrize('use_udp', [False, True])
def test_blurred_maps_come_back_on_both_grids(use_udp):
    """From sigma 2 on the blur's cut leaves nothing to speak of (heatmap_blur)."""
    joints, cropped = make_crop(use_udp)
    codec = build(decode_sigmas=3.0, grid='udp' if use_udp else 'stride')
    inner = (np.abs(joints - [187.5, 250]) < [90, 130]).all(2)[0]  # 4 sigmas inside
    assert np.abs(there_and_back(codec, joints, cropped))[inner].max() < 0.01


@pytest.mark.parametrize('use_udp', [False, True])
def test_biased_maps_are_off_by_half_a_cell_at_most(use_udp):
    joints, cropped = make_crop(use_udp)
    codec = build(unbiased=False, grid='udp' if use_udp else 'stride')
    cell_px = cropped['input_scale'] / 47  # of the image; on the stride grid / 48
    errors = there_and_back(codec, joints, cropped)
    assert (np.abs(errors) <= 0.5 * cell_px + 1e-3).all()
    assert (np.abs(errors.mean(0)) < 0.1 * cell_px).all()


@pytest.mark.parametrize('use_udp', [False, True])
def test_the_other_grid_is_off_by_half_an_input_px_on_average(use_udp):
    """A joint at the fraction f of a box of S image px. The udp crop has it at f (w - 1),
    which the stride grid brings back to f S (w - 1) / w: -f S / w. The stride crop has it
    at f w, which the udp grid brings back to f S w / (w - 1): f S / (w - 1)."""
    joints, cropped = make_crop(use_udp)
    errors = there_and_back(build(grid='stride' if use_udp else 'udp'), joints, cropped)
    center, box = cropped['input_center'], cropped['input_scale']
    from_edge = joints[0] - (center - box / 2)
    size = np.array([192, 256])
    expected = -from_edge / size if use_udp else from_edge / (size - 1)
    np.testing.assert_allclose(errors, expected, atol=0.01)
    half_px = 0.5 * box / size  # of the input
    np.testing.assert_allclose(np.abs(errors.mean(0)), half_px, rtol=0.05)


def test_udp_targets_are_mmposes_within_its_patch():
    """UDPHeatmap cuts 6 cells from the nearest one: what it leaves out is 6.5 cells away
    or further, ours does not cut. 2e-7: see test_gaussian_targets."""
    joints, cropped = make_crop(True, 40)
    px = cropped['transformed_keypoints']
    ours, stock = build(grid='udp'), UDPHeatmap(**SIZES, sigma=2)
    got, expected = ours.encode(px), stock.encode(px)
    np.testing.assert_array_equal(got['keypoint_weights'], expected['keypoint_weights'])
    drawn = expected['heatmaps'] > 0
    gap = np.abs(got['heatmaps'] - expected['heatmaps'])
    assert gap[drawn].max() <= 2e-7
    assert got['heatmaps'][~drawn].max() <= np.exp(-(6.5**2) / 8)
    for maps in (got['heatmaps'], expected['heatmaps']):
        error = to_image(ours.decode(maps)[0], cropped) - joints
        assert np.abs(error).max() < 0.05


CROPS = {
    'train_dataloader.dataset.pipeline.5': False,
    'val_dataloader.dataset.pipeline.2': True,
}
FLIP = dict(flip_test=True)


@pytest.mark.parametrize(
    ('args', 'expected'),
    [
        (('stride', {}), []),
        (('stride', CROPS), [('val_dataloader.dataset.pipeline.2.use_udp', "'udp'")]),
        (('udp', CROPS), [('train_dataloader.dataset.pipeline.5.use_udp', "'stride'")]),
        (('stride', {}, 'TopdownPoseEstimator', FLIP | dict(shift_heatmap=True)), []),
        (
            ('stride', {}, 'TopdownPoseEstimator', FLIP),
            [('model.test_cfg.shift_heatmap', 'True')],
        ),
        (('stride', {}, 'TopdownPoseEstimator', dict(shift_heatmap=False)), []),
        (('udp', {}, 'TopdownPoseEstimator', FLIP | dict(shift_heatmap=False)), []),
        (
            ('udp', {}, 'TopdownPoseEstimator', FLIP | dict(shift_heatmap=True)),
            [('model.test_cfg.shift_heatmap', 'False')],
        ),
        (('stride', {}, 'AlignedFlipTopdownPoseEstimator', FLIP), []),
        (
            (
                'stride',
                {},
                'AlignedFlipTopdownPoseEstimator',
                FLIP | dict(shift_heatmap=True),
            ),
            [('model.test_cfg.shift_heatmap', 'False')],
        ),
        (
            ('udp', {}, 'AlignedFlipTopdownPoseEstimator', FLIP),
            [('model.type', 'TopdownPoseEstimator')],
        ),
    ],
)
def test_codec_pipeline_and_flip_test_are_held_together(args, expected):
    problems = find_grid_problems(*args)
    assert [problem.place for problem in problems] == [place for place, _ in expected]
    for problem, (_, remedy) in zip(problems, expected, strict=True):
        assert remedy in problem.fix
        assert len(str(problem)) <= 200


def test_weights_that_are_no_visibilities_are_found():
    assert not find_visibility_problems('HeatmapHead', True)
    assert not find_visibility_problems('VisPredictHead', False)
    [problem] = find_visibility_problems('VisPredictHead', True)
    assert problem.place == 'model.head.type'
