import numpy as np
import pytest
import torch
from mmpose.registry import MODELS

FEATS = (torch.randn(2, 6, 8, 6, generator=torch.Generator().manual_seed(0)),)


def build_head(kind, codec_type='PositionHeatmap', sigmas='set1', **options):
    torch.manual_seed(0)
    codec = dict(
        type=codec_type,
        input_size=(96, 128),
        heatmap_size=(48, 64),
        sigmas=sigmas,
        unbiased=True,
        **options.pop('codec', {}),
    )
    return MODELS.build(
        dict(
            type=kind,
            in_channels=6,
            out_channels=17,
            deconv_out_channels=(8, 8, 8),
            deconv_kernel_sizes=(4, 4, 4),
            decoder=codec,
            loss=dict(type='KeypointMSELoss', use_target_weight=True),
            **options,
        )
    )


@pytest.mark.parametrize('sigmas', [2.0, 'set1'])
def test_starts_as_the_balanced_table(make_samples, sigmas):
    head = build_head('LearnedSigmaHead', sigmas=sigmas)
    plain = build_head(
        'HeatmapHead',
        'JointAdaptiveMSRAHeatmap',
        sigmas,
        codec=dict(balance_weights=True),
    )
    losses = head.loss(FEATS, make_samples(head.decoder))
    expected = plain.loss(FEATS, make_samples(plain.decoder), {'compute_acc': False})
    assert losses['loss_sigma'] == 0
    # the targets agree to 2^-22, the maps are about 1e-3 from 0: 1e-5 relative
    torch.testing.assert_close(
        losses['loss_kpt'], expected['loss_kpt'], rtol=1e-5, atol=0
    )


def test_sigmas_learn_and_stay_near_the_table():
    head = build_head('LearnedSigmaHead', regularization=1e-3)
    with torch.no_grad():
        head.log_scales.fill_(0.5)
    scales = head.log_scales.exp()
    penalty = 1e-3 * ((1 / scales - 1) ** 2).mean()
    penalty.backward()
    # wider than the table: the regulariser pulls back
    assert (head.log_scales.grad > 0).all()


def test_the_loss_reaches_the_sigmas(make_samples):
    head = build_head('LearnedSigmaHead')
    sum(head.loss(FEATS, make_samples(head.decoder)).values()).backward()
    assert (head.log_scales.grad != 0).all()


def test_decodes_with_the_learned_sigmas():
    head = build_head('LearnedSigmaHead')
    with torch.no_grad():
        head.log_scales[0] = 0.25
    maps = torch.rand(1, 17, 64, 48, generator=torch.Generator().manual_seed(0))
    table = torch.from_numpy(head.decoder.decode(maps[0].numpy())[0])
    points = torch.from_numpy(head.decode(maps)[0].keypoints)
    expected = head.table_cells.numpy().copy()
    expected[0] *= np.exp(0.25)
    np.testing.assert_allclose(head.decoder.sigmas_cells, expected, rtol=1e-6)
    # a fit with another sigma ends elsewhere on a map that is no Gaussian
    assert (points[0, 0] - table[0, 0]).abs().max() > 0.01


def test_error_text():
    with pytest.raises(ValueError, match='must be above 0, got 0'):
        build_head('LearnedSigmaHead', regularization=0)


def test_position_codec_survives_unlabelled_joints():
    head = build_head('LearnedSigmaHead')
    joints = np.full((1, 17, 2), 40.0, dtype=np.float32)
    joints[0, 3] = np.nan
    visible = np.ones((1, 17), dtype=np.float32)
    visible[0, 3] = 0
    encoded = head.decoder.encode(joints, visible)
    assert np.isfinite(encoded['keypoint_labels']).all()
    assert encoded['keypoint_weights'][0, 3] == 0
    np.testing.assert_array_equal(encoded['keypoint_labels'][0, 0], [20, 20])


def test_scale_map_starts_at_scale_one(make_samples):
    head = build_head('ScaleMapHead', 'JointAdaptiveMSRAHeatmap')
    torch.nn.init.zeros_(head.scale_layer.weight)
    torch.nn.init.zeros_(head.scale_layer.bias)
    alone = build_head('ScaleMapHead', 'JointAdaptiveMSRAHeatmap', learn_scales=False)
    alone.load_state_dict(head.state_dict(), strict=False)
    samples = make_samples(head.decoder)
    losses, expected = head.loss(FEATS, samples), alone.loss(FEATS, samples)
    assert set(expected) == {'loss_kpt'}
    # softplus(0.541325) is 1 to 1e-6
    assert losses['loss_scale'].item() == pytest.approx(0, abs=1e-12)
    torch.testing.assert_close(
        losses['loss_kpt'], expected['loss_kpt'], rtol=1e-5, atol=0
    )


def test_scale_map_learns(make_samples):
    head = build_head('ScaleMapHead', 'JointAdaptiveMSRAHeatmap')
    sum(head.loss(FEATS, make_samples(head.decoder)).values()).backward()
    assert torch.isfinite(head.scale_layer.weight.grad).all()
    assert head.scale_layer.weight.grad.abs().max() > 0
