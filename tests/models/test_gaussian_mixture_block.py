"""GaussianMixtureBlock as MMPose builds, initialises and runs it."""

import pytest
import torch
from mmengine.hub import get_config
from mmpose.registry import MODELS
from torch import nn

import gm_pose  # noqa: F401  registers the block
from gm_pose.models.mixture_readout import read_mixtures

SIMPLE_BASELINE = dict(
    type='TopdownPoseEstimator',
    backbone=dict(type='ResNet', depth=18),
    head=dict(
        type='HeatmapHead',
        in_channels=512,
        out_channels=17,
        deconv_out_channels=(32, 32, 32),
    ),
)


def build_block(in_channels: int = 24, start_identity: bool = False, **kwargs):
    """A block whose mixture is visible: random norms instead of the identity start."""
    torch.manual_seed(0)
    arguments = dict(type='GaussianMixtureBlock', mid_channels=8, num_components=3)
    block = MODELS.build(arguments | dict(in_channels=in_channels) | kwargs)
    if not start_identity:
        nn.init.normal_(block.expand_norm.weight)
        if block.mixture.weights is not None:
            nn.init.normal_(block.mixture.weights.logits.weight)
    return block


def make_features(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(1))


def test_block_transforms_the_last_map_and_passes_the_others():
    block = build_block()
    feats = (make_features(2, 12, 16, 12), make_features(2, 24, 8, 6))
    outs = block(feats)
    assert isinstance(outs, tuple)
    assert outs[0] is feats[0]
    assert outs[1].shape == (2, 24, 8, 6)
    assert not torch.equal(outs[1], feats[1])


def test_block_equals_its_formula():
    block = build_block().eval()
    x = make_features(2, 24, 8, 6)
    reduced = block.reduce_norm(block.reduce_conv(x)).clamp(min=0)
    mixed = block.mixture(reduced, reduced)
    wanted = x + block.expand_norm(block.expand_conv(mixed))
    assert torch.equal(block((x,))[0], wanted)


@pytest.mark.parametrize('shape', [(1, 1), (1, 7), (5, 1), (3, 2), (64, 48)])
@pytest.mark.parametrize('batch', [1, 3])
def test_block_takes_any_map_and_batch(shape, batch):
    block = build_block().eval()
    assert block((make_features(batch, 24, *shape),))[0].isfinite().all()


# --- the start -------------------------------------------------------------------------


@pytest.mark.parametrize('train', [True, False])
@pytest.mark.parametrize(
    'changes',
    [
        dict(),
        # Initialises every norm of the model to 1; the block's own init_cfg comes later.
        dict(init_cfg=dict(type='Constant', layer='BatchNorm2d', val=1)),
    ],
)
def test_model_starts_as_simple_baseline_to_the_last_bit(train, changes):
    torch.manual_seed(0)
    baseline = MODELS.build(SIMPLE_BASELINE)
    baseline.init_weights()
    neck = dict(type='GaussianMixtureBlock', in_channels=512, mid_channels=64)
    model = MODELS.build(SIMPLE_BASELINE | dict(neck=neck) | changes)
    model.init_weights()
    keys = model.load_state_dict(baseline.state_dict(), strict=False)
    assert not keys.unexpected_keys
    assert all(key.startswith('neck.') for key in keys.missing_keys)

    images = make_features(2, 3, 128, 96)
    wanted = baseline.train(train)(images, None)
    assert torch.equal(model.train(train)(images, None), wanted)
    # No vacuous equality: a different image gives different heatmaps.
    assert not torch.equal(model(-images, None), wanted)


def test_first_gradients_of_the_backbone_are_simple_baselines():
    block = build_block(start_identity=True)
    x = make_features(2, 24, 8, 6).requires_grad_()
    block((x,))[0].square().sum().backward()
    assert torch.equal(x.grad, 2 * x.detach())
    assert (
        block.expand_norm.weight.grad.abs().min() > 0
    )  # the block can leave its start


def test_own_pretrained_weights_survive_init_weights(tmp_path):
    trained = build_block()
    path = tmp_path / 'block.pth'
    torch.save(trained.state_dict(), path)
    init_cfg = dict(type='Pretrained', checkpoint=str(path))
    block = build_block(init_cfg=init_cfg, start_identity=True)
    block.init_weights()
    x = make_features(2, 24, 8, 6)
    assert torch.equal(block.eval()((x,))[0], trained.eval()((x,))[0])


def test_mixture_starts_near_uniform_after_init_weights():
    block = build_block(in_channels=64, mid_channels=256, start_identity=True)
    block.init_weights()
    with read_mixtures(block) as mixtures:
        block((make_features(2, 64, 8, 6),))
    weights = mixtures['mixture'].weights
    # Logits: 256 activations of about 1 times 0.001: |logit| < 0.1 and softmax moves
    # by less than 0.1 / 4 * 2.
    torch.testing.assert_close(
        weights, torch.full_like(weights, 1 / 3), rtol=0, atol=0.05
    )


# --- number formats and layouts --------------------------------------------------------


def bound_bfloat16(wanted: torch.Tensor) -> float:
    """Ten results on the way (convolutions, norms, views, sums), each rounded by 2^-8."""
    return 10 * 2**-8 * wanted.abs().max().item()


def test_block_keeps_bfloat16():
    block = build_block().eval()
    x = make_features(2, 24, 8, 6)
    wanted = block((x,))[0]
    out = block.bfloat16()((x.bfloat16(),))[0]
    assert out.dtype == torch.bfloat16
    torch.testing.assert_close(out.float(), wanted, rtol=0, atol=bound_bfloat16(wanted))


@pytest.mark.parametrize('with_cp', [False, True])
def test_block_trains_under_autocast(with_cp):
    block = build_block(with_cp=with_cp)
    x = make_features(2, 24, 8, 6)
    wanted = block((x,))[0]
    with torch.autocast('cpu', dtype=torch.bfloat16):
        out = block((x,))[0]
    assert out.dtype == torch.float32  # as the residual that came in
    torch.testing.assert_close(out, wanted, rtol=0, atol=bound_bfloat16(wanted))
    out.square().mean().backward()
    for parameter in block.parameters():
        assert parameter.grad.dtype == torch.float32
        assert parameter.grad.isfinite().all()


def test_autocast_identity_start_is_exact():
    block = build_block(start_identity=True)
    x = make_features(2, 24, 8, 6).bfloat16()
    with torch.autocast('cpu', dtype=torch.bfloat16):
        assert torch.equal(block((x,))[0], x)


def test_channels_last_gives_the_same_and_stays_channels_last():
    block = build_block().eval()
    x = make_features(2, 24, 8, 6)
    wanted = block((x,))[0]
    block = block.to(memory_format=torch.channels_last)
    out = block((x.to(memory_format=torch.channels_last),))[0]
    assert out.is_contiguous(memory_format=torch.channels_last)
    # Other summation order in 1x1 convolutions over <= 24 channels.
    torch.testing.assert_close(out, wanted, rtol=0, atol=1e-5)


# --- ablations -------------------------------------------------------------------------


def test_settings_reach_the_mixture():
    mixture = build_block(with_cp=True, min_sigma=0.01, truncate=2.5).mixture
    assert (mixture.with_cp, mixture.min_sigma, mixture.truncate) == (True, 0.01, 2.5)
    sigmas = build_block(init_sigmas=[0.2, 0.4, 0.9], learn_sigmas=False).mixture.sigmas
    torch.testing.assert_close(sigmas, torch.tensor([0.2, 0.4, 0.9]))


def test_default_sigmas_span_the_tables_in_feature_cells():
    sigmas = build_block(num_components=4).mixture.sigmas
    torch.testing.assert_close(sigmas, torch.tensor([0.15, 0.3, 0.6, 1.2]))
    # Set 1 and Set 2: at most 2.2 heatmap cells, an eighth of that in feature cells.
    assert sigmas.min() < 2.2 / 8 < sigmas.max()


@pytest.mark.parametrize(
    'kwargs',
    [
        dict(),
        dict(num_groups=4),
        dict(num_components=1),
        dict(learn_sigmas=False),
        dict(mixing='uniform'),
        dict(with_cp=True),
        dict(norm_cfg=dict(type='GN', num_groups=2)),
    ],
)
def test_every_parameter_gets_a_gradient(kwargs):
    block = build_block(**kwargs)
    block((make_features(2, 24, 8, 6),))[0].square().sum().backward()
    for name, parameter in block.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().max() > 0, name


def test_grouped_weights_differ_between_groups():
    block = build_block(num_groups=4)
    with read_mixtures(block) as mixtures:
        block((make_features(2, 24, 8, 6),))
    weights = mixtures['mixture'].weights
    assert weights.shape == (2, 4, 3, 8, 6)
    assert not torch.equal(weights[:, 0], weights[:, 1])


# --- other backbones -------------------------------------------------------------------

TOPDOWN = 'mmpose::body_2d_keypoint/topdown_heatmap/coco/td-hm_{}_coco-256x192.py'


@pytest.mark.parametrize(
    ('config', 'channels', 'backbone'),
    [
        ('res50_8xb64-210e', 512, dict(depth=18)),
        ('mobilenetv2_8xb64-210e', 1280, dict()),
        ('hrnet-w32_8xb64-210e', 32, dict()),  # its single map, 1/4 of the input
    ],
)
def test_block_works_in_mmpose_configs(config, channels, backbone):
    cfg = get_config(TOPDOWN.format(config)).model
    del cfg.data_preprocessor  # the images are tensors already
    cfg.backbone.update(init_cfg=None, **backbone)
    cfg.head.in_channels = channels
    cfg.neck = dict(type='GaussianMixtureBlock', in_channels=channels, mid_channels=16)
    torch.manual_seed(0)
    model = MODELS.build(cfg)
    heatmaps = model(make_features(2, 3, 64, 64), None)
    assert heatmaps.shape == (2, 17, 16, 16)
    heatmaps.square().mean().backward()
    assert model.neck.expand_norm.weight.grad.abs().max() > 0


def test_block_works_in_vitpose():
    pytest.importorskip(
        'mmpretrain', reason='ViTPose takes its backbone from mmpretrain'
    )
    cfg = get_config(TOPDOWN.format('ViTPose-small_8xb64-210e')).model
    del cfg.data_preprocessor
    cfg.backbone.update(init_cfg=None, img_size=(64, 64))
    cfg.backbone.arch.update(num_layers=2)  # fast to build
    cfg.neck = dict(type='GaussianMixtureBlock', in_channels=384, mid_channels=16)
    torch.manual_seed(0)
    model = MODELS.build(cfg)
    images = make_features(2, 3, 64, 64)
    # One map of stride 16 and signed values, unlike after a ReLU.
    assert model.backbone(images)[-1].shape == (2, 384, 4, 4)
    assert model.backbone(images)[-1].min() < 0
    heatmaps = model(images, None)
    assert heatmaps.shape == (2, 17, 16, 16)
    heatmaps.square().mean().backward()
    assert model.neck.expand_norm.weight.grad.abs().max() > 0


# --- errors ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ('kwargs', 'message'),
    [
        (dict(num_components=0), 'num_components must be at least 1, got 0'),
        (dict(mid_channels=0), 'mid_channels must be at least 1, got 24 and 0'),
        (dict(init_sigmas=[0.3]), 'init_sigmas has 1 sigmas for 3 components'),
        (dict(num_groups=3), 'num_groups must divide the 8 channels .* got 3'),
        (
            dict(num_groups=4, num_components=1),
            'num_groups=4 has no effect with num_components=1 and .*: set num_groups=1',
        ),
        (
            dict(num_groups=4, mixing='uniform'),
            "num_groups=4 has no effect .*=3 and mixing='uniform'.*mixing='softmax'",
        ),
        (dict(mixing='sum'), "mixing must be one of .* got 'sum'"),
    ],
)
def test_errors_name_value_and_remedy(kwargs, message):
    with pytest.raises(ValueError, match=message):
        build_block(**kwargs)


def test_wrong_channels_are_named():
    with pytest.raises(ValueError, match=r'32 channels.*in_channels=24: set.*=32'):
        build_block()((torch.zeros(1, 32, 8, 6),))


def test_misspelt_argument_is_refused():
    with pytest.raises(TypeError, match='num_component'):
        build_block(num_component=3)
