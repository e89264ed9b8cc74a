"""GaussianMixtureHead against MMPose's HeatmapHead."""

import pytest
import torch
from mmengine.structures import InstanceData, PixelData
from mmpose.registry import MODELS
from mmpose.structures import PoseDataSample
from torch import nn

import gm_pose  # noqa: F401  registers the head
from gm_pose.models.mixture_readout import read_mixtures
from gm_pose.ops.gaussian_smoothing import smooth_gaussian


def build_head(start_identity: bool = False, **kwargs):
    """A head for 5 joints, its mixture visible: scales and weights are random."""
    torch.manual_seed(0)
    arguments = dict(
        type='GaussianMixtureHead',
        in_channels=12,
        out_channels=5,
        deconv_out_channels=(8,),
        deconv_kernel_sizes=(4,),
    )
    head = MODELS.build(arguments | kwargs)
    if not start_identity:
        nn.init.normal_(head.final_layer.weight)
        nn.init.normal_(head.mixture_scale)
        if head.mixture.weights is not None:
            nn.init.normal_(head.mixture.weights.logits.weight)
            nn.init.normal_(head.mixture.weights.image_logits.weight)
    return head


def make_features(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize('train', [True, False])
def test_head_starts_as_heatmap_head_to_the_last_bit(train):
    kwargs = dict(in_channels=12, out_channels=5)
    torch.manual_seed(0)
    baseline = MODELS.build(dict(type='HeatmapHead', **kwargs))
    baseline.init_weights()
    head = MODELS.build(dict(type='GaussianMixtureHead', **kwargs))
    head.init_weights()
    keys = head.load_state_dict(baseline.state_dict(), strict=False)
    assert not keys.unexpected_keys
    assert all(key.startswith('mixture') for key in keys.missing_keys)
    feats = (make_features(2, 12, 8, 6),)
    wanted = baseline.train(train)(feats)
    assert wanted.abs().max() > 0
    assert torch.equal(head.train(train)(feats), wanted)


def test_head_equals_its_formula_joint_by_joint():
    head = build_head().eval()
    feature = make_features(2, 12, 8, 6)
    heatmaps = head.final_layer(head.deconv_layers(feature))
    with read_mixtures(head) as mixtures:
        out = head((feature,))
    weights = mixtures['mixture'].weights
    assert weights.shape == (2, 5, 3, 16, 12)
    for k in range(5):
        plain = heatmaps[:, k : k + 1]
        views = smooth_gaussian(plain, head.mixture.sigmas[k])
        mixed = (views[:, 0] * weights[:, k]).sum(1, keepdim=True)
        wanted = plain + head.mixture_scale[k] * (mixed - plain)
        # Float32 sums of 16 + 12 + 3 terms of size < 20, scaled by up to 2.
        torch.testing.assert_close(out[:, k : k + 1], wanted, rtol=0, atol=1e-4)


@pytest.mark.parametrize('scale', [-0.5, 0.5, 1.0])
def test_scale_widens_or_sharpens_a_peak(scale):
    head = build_head(num_components=1, deconv_out_channels=None).eval()
    nn.init.constant_(head.mixture_scale, scale)
    grid_y, grid_x = torch.meshgrid(torch.arange(33), torch.arange(33), indexing='ij')
    squared = (grid_y - 16) ** 2 + (grid_x - 16) ** 2
    peak = torch.exp(-squared / (2 * 2.0**2)).float()
    head.final_layer = nn.Identity()
    out = head((peak.expand(1, 5, 33, 33),))[0, 0]

    def measure_variance(heatmap: torch.Tensor) -> float:
        return (heatmap * (grid_x - 16) ** 2).sum().item() / heatmap.sum().item()

    # Variances of convolved densities add; a mixture's is the mean of its parts'.
    added = head.mixture.sigmas[0, 0].item() ** 2 + 1 / 12
    wanted = 4.0 + scale * added
    # Windows of 8 sigma on each side, kernels truncated at 4 sigma (0.1 % of variance).
    assert measure_variance(out) == pytest.approx(wanted, rel=2e-3)


def test_a_constant_heatmap_is_kept():
    head = build_head(deconv_out_channels=None).eval()
    nn.init.zeros_(head.final_layer.weight)
    nn.init.constant_(head.final_layer.bias, 0.5)
    out = head((make_features(1, 12, 16, 12),))
    torch.testing.assert_close(out, torch.full_like(out, 0.5), rtol=1e-5, atol=0)


def test_loss_trains_every_parameter_through_mmpose():
    head = build_head()
    samples = []
    for _ in range(2):
        sample = PoseDataSample()
        sample.gt_fields = PixelData(heatmaps=torch.rand(5, 16, 12))
        labels = InstanceData(keypoint_weights=torch.ones(1, 5))
        sample.gt_instance_labels = labels
        samples.append(sample)
    losses = head.loss((make_features(2, 12, 8, 6),), samples)
    assert set(losses) == {'loss_kpt', 'acc_pose'}
    losses['loss_kpt'].backward()
    for name, parameter in head.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().max() > 0, name


@pytest.mark.parametrize(
    'kwargs',
    [
        dict(num_components=1),
        dict(learn_sigmas=False),
        dict(mixing='uniform'),
        dict(with_cp=True),
        dict(conv_out_channels=(6,), conv_kernel_sizes=(3,)),
        dict(deconv_out_channels=None),
    ],
)
def test_variants_build_and_train(kwargs):
    head = build_head(**kwargs)
    out = head((make_features(2, 12, 8, 6),))
    assert out.shape[:2] == (2, 5)
    out.square().sum().backward()
    for name, parameter in head.named_parameters():
        assert parameter.grad is not None, name


def test_sigmas_are_per_joint_and_learn_apart():
    head = build_head()
    assert head.mixture.sigmas.shape == (5, 3)
    head((make_features(2, 12, 8, 6),)).square().sum().backward()
    grad = head.mixture.raw_sigmas.grad
    assert not torch.allclose(grad[0], grad[1])


@pytest.mark.parametrize('shape', [(1, 1), (1, 3), (16, 12)])
def test_head_takes_any_map(shape):
    out = build_head().eval()((make_features(1, 12, *shape),))
    assert out.shape == (1, 5, 2 * shape[0], 2 * shape[1])
    assert out.isfinite().all()


def test_head_keeps_heatmap_heads_type_under_autocast():
    head, feats = build_head(start_identity=True), (make_features(2, 12, 8, 6),)
    torch.manual_seed(0)
    baseline = MODELS.build(
        dict(
            type='HeatmapHead',
            in_channels=12,
            out_channels=5,
            deconv_out_channels=(8,),
            deconv_kernel_sizes=(4,),
        )
    )
    head.load_state_dict(baseline.state_dict(), strict=False)
    with torch.autocast('cpu', dtype=torch.bfloat16):
        out, wanted = head(feats), baseline(feats)
    assert out.dtype == wanted.dtype == torch.bfloat16
    assert torch.equal(out, wanted)


@pytest.mark.parametrize('with_cp', [False, True])
def test_head_trains_under_autocast(with_cp):
    head, feats = build_head(with_cp=with_cp), (make_features(2, 12, 8, 6),)
    wanted = head(feats)
    with torch.autocast('cpu', dtype=torch.bfloat16):
        out = head(feats)
    assert out.dtype == torch.bfloat16
    # Ten results on the way (convolutions, norms, views, sums), each rounded by 2^-8,
    # mixed by weights of logits up to ~20 that are rounded by 2^-8 themselves.
    atol = 10 * 2**-8 * (1 + 20 * 2**-8) * wanted.abs().max().item()
    torch.testing.assert_close(out.float(), wanted, rtol=0, atol=atol)
    out.float().square().mean().backward()
    for parameter in head.parameters():
        assert parameter.grad.dtype == torch.float32
        assert parameter.grad.isfinite().all()


def test_head_keeps_bfloat16():
    head = build_head().eval().bfloat16()
    out = head((make_features(2, 12, 8, 6).bfloat16(),))
    assert out.dtype == torch.bfloat16
    assert out.isfinite().all()


def test_settings_reach_the_mixture():
    mixture = build_head(with_cp=True, min_sigma=0.01, truncate=2.5).mixture
    assert (mixture.with_cp, mixture.min_sigma, mixture.truncate) == (True, 0.01, 2.5)


def test_default_sigmas_are_in_heatmap_cells():
    sigmas = build_head().mixture.sigmas
    torch.testing.assert_close(sigmas, torch.tensor([[0.5, 1.0, 2.0]]).expand(5, 3))


def test_channels_last_gives_the_same():
    head, feature = build_head().eval(), make_features(2, 12, 8, 6)
    wanted = head((feature,))
    head = head.to(memory_format=torch.channels_last)
    out = head((feature.to(memory_format=torch.channels_last),))
    # Other summation order over 16 x 12 and 5 joints, logits up to ~20.
    torch.testing.assert_close(out, wanted, rtol=0, atol=1e-4)


@pytest.mark.parametrize(
    ('kwargs', 'message'),
    [
        (dict(final_layer=None), 'final_layer=None leaves no heatmaps to smooth'),
        (dict(num_components=0), 'num_components must be at least 1, got 0'),
        (dict(init_sigmas=[1.0]), 'init_sigmas has 1 sigmas for 3 components'),
    ],
)
def test_errors_name_value_and_remedy(kwargs, message):
    with pytest.raises(ValueError, match=message):
        build_head(**kwargs)


def test_misspelt_argument_is_refused():
    with pytest.raises(TypeError, match='num_component'):
        build_head(num_component=3)
