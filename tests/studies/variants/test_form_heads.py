"""Heads of the study's forms: maps in training and out of it."""

import pytest
import torch
from mmpose.registry import MODELS

from gm_pose.codecs import JointAdaptiveMSRAHeatmap

SIGMAS = [1.0] * 3 + [2.0] * 14
CODEC = dict(
    type='JointAdaptiveMSRAHeatmap',
    input_size=(96, 128),
    heatmap_size=(48, 64),
    sigmas=SIGMAS,
    unbiased=True,
)


def build_head(kind, **options):
    torch.manual_seed(0)
    head = MODELS.build(
        dict(
            type=kind,
            in_channels=4,
            out_channels=17,
            deconv_out_channels=None,
            loss=dict(type='KeypointMSELoss', use_target_weight=True),
            decoder=CODEC,
            **options,
        )
    )
    head.init_weights()
    return head


@pytest.fixture(scope='module')
def features():
    return (torch.randn(2, 4, 64, 48, generator=torch.Generator().manual_seed(0)),)


def test_probabilities_are_scaled_to_gaussians_of_height_1(features):
    head = build_head('ProbabilityHead', sharpness=10.0)
    raw = head.train().forward(features)
    maps = head.eval().forward(features)
    expected = (10 * raw).flatten(2).softmax(-1).view_as(raw)
    areas = 2 * torch.pi * torch.tensor(SIGMAS) ** 2
    torch.testing.assert_close(maps, expected * areas[:, None, None])
    torch.testing.assert_close(maps.sum((2, 3)), areas.expand(2, 17))


def test_two_maps_are_read_as_their_product(features, make_samples):
    head = build_head('NarrowWideHead', factor=2.0)
    raw = head.train().forward(features)
    assert raw.shape == (2, 34, 64, 48)
    narrow, wide = raw[:, :17].clamp(min=0), raw[:, 17:].clamp(min=0)
    torch.testing.assert_close(head.eval().forward(features), narrow * wide)
    shrunk = torch.tensor(SIGMAS, dtype=torch.float64) * 2 / 5**0.5
    torch.testing.assert_close(torch.from_numpy(head.decoder.sigmas_cells), shrunk)


def test_two_maps_are_trained_with_both_targets(features, make_samples):
    head = build_head('NarrowWideHead', factor=2.0).train()
    narrow, wide = (
        JointAdaptiveMSRAHeatmap(
            **{k: v for k, v in CODEC.items() if k not in ('type', 'sigmas')},
            sigmas=[factor * sigma for sigma in SIGMAS],
        )
        for factor in (1, 2)
    )
    samples = make_samples(narrow)
    targets = [
        torch.stack([sample.gt_fields.heatmaps for sample in made])
        for made in (samples, make_samples(wide))
    ]
    maps = head.forward(features)
    squares = (maps - torch.cat(targets, 1)).square().mean((2, 3))
    squares[:, 17:] /= 4  # the wide target has four times the energy
    found = head.loss(features, samples)['loss_kpt']
    torch.testing.assert_close(found, squares.mean(), rtol=1e-4, atol=0)
