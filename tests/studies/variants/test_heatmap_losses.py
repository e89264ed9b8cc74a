"""Losses of maps that are read as distributions, against loops over cells."""

import math

import numpy as np
import pytest
import torch
from mmpose.registry import MODELS

from gm_pose.codecs import JointAdaptiveMSRAHeatmap
from studies.variants.losses import (
    ExpectedOKSLoss,
    HeatmapLossSum,
    PositionOKSLoss,
    map_losses,
)

SIZE = (6, 5)  # [W, H]


def make_maps(seed: int, batch: int = 2, joints: int = 3) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    shape = (batch, joints, SIZE[1], SIZE[0])
    return torch.rand(shape, generator=generator, dtype=torch.float64)


def softmax_slowly(values: np.ndarray, sharpness: float) -> np.ndarray:
    powers = [[math.exp(sharpness * v) for v in row] for row in values.tolist()]
    total = sum(map(sum, powers))
    return np.array([[p / total for p in row] for row in powers])


@pytest.mark.parametrize('sharpness', [1.0, 7.0])
def test_divergence_equals_loop(sharpness):
    maps, targets = make_maps(0), make_maps(1)
    found = map_losses.compute_map_divergence(maps, targets, sharpness)
    for b in range(2):
        for k in range(3):
            p = softmax_slowly(maps[b, k].numpy(), sharpness)
            q = targets[b, k].numpy() / targets[b, k].numpy().sum()
            expected = sum(
                q[y, x] * math.log(q[y, x] / p[y, x])
                for y in range(SIZE[1])
                for x in range(SIZE[0])
            )
            # float64: 30 terms of a few roundings each
            assert found[b, k].item() == pytest.approx(expected, abs=1e-12)


def test_divergence_is_zero_for_the_target_and_for_no_joint():
    targets = make_maps(1)
    found = map_losses.compute_map_divergence(targets.log(), targets)
    assert found.abs().max() < 1e-12
    empty = torch.zeros_like(targets)
    assert map_losses.compute_map_divergence(targets, empty).abs().max() == 0


def test_expected_distance_equals_loop():
    maps, similar = make_maps(2), make_maps(3)
    found = map_losses.compute_expected_distance(maps, similar, 5.0)
    for b in range(2):
        for k in range(3):
            p = softmax_slowly(maps[b, k].numpy(), 5.0)
            expected = 1 - float((p * similar[b, k].numpy()).sum())
            assert found[b, k].item() == pytest.approx(expected, abs=1e-12)


def test_position_distance_equals_loop():
    maps, targets = make_maps(4), make_maps(5)
    tolerances = torch.tensor([0.5, 1.0, 2.0], dtype=torch.float64)
    found = map_losses.compute_position_distance(maps, targets, tolerances, 3.0)
    for b in range(2):
        for k in range(3):
            centers = []
            for values in (
                softmax_slowly(maps[b, k].numpy(), 3.0),
                targets[b, k].numpy(),
            ):
                total = values.sum()
                x = sum(values[:, i].sum() * i for i in range(SIZE[0])) / total
                y = sum(values[i].sum() * i for i in range(SIZE[1])) / total
                centers.append((x, y))
            square = (centers[0][0] - centers[1][0]) ** 2
            square += (centers[0][1] - centers[1][1]) ** 2
            expected = 1 - math.exp(-square / (2 * float(tolerances[k]) ** 2))
            assert found[b, k].item() == pytest.approx(expected, abs=1e-12)


def make_codec(sigmas, **options) -> JointAdaptiveMSRAHeatmap:
    return JointAdaptiveMSRAHeatmap((192, 256), (48, 64), sigmas, True, **options)


def test_widened_gaussian_is_the_codecs_own_of_the_larger_sigma():
    joints = np.float32([[[80.5, 101.3], [60.0, 200.0]]])
    narrow = make_codec([1.0, 2.0]).encode(joints)['heatmaps']
    wide = make_codec([2.0, 5.0]).encode(joints)['heatmaps']
    found = map_losses.widen_gaussians(
        torch.from_numpy(narrow)[None], torch.tensor([2.0, 2.5])
    )
    # targets are cut at exp(-40) an axis, which leaves exp(-40 / 2.5^2) = 0.0017
    assert (found[0] - torch.from_numpy(wide)).abs().max() < 0.0017


LOSSES = [
    dict(type='HeatmapDivergenceLoss', sharpness=2.0),
    dict(
        type='ExpectedOKSLoss',
        sigmas=[0.7, 0.9, 1.1],
        tolerances=[1.0, 0.8, 2.0],
        heatmap_size=SIZE,
        sharpness=2.0,
        balanced=True,
    ),
    dict(
        type='PositionOKSLoss',
        sigmas=[0.7, 0.9, 1.1],
        tolerances=[1.0, 0.8, 2.0],
        heatmap_size=SIZE,
        sharpness=2.0,
        balanced=True,
    ),
]


@pytest.mark.parametrize('config', LOSSES, ids=lambda config: config['type'])
def test_gradient_is_right(config):
    loss = MODELS.build(config).double()
    output, target = make_maps(6).requires_grad_(), make_maps(7)
    weights = torch.tensor([[1.0, 0.5, 0.0], [1.0, 2.0, 1.0]], dtype=torch.float64)
    assert torch.autograd.gradcheck(lambda x: loss(x, target, weights), (output,))


@pytest.mark.parametrize('config', LOSSES, ids=lambda config: config['type'])
def test_weights_scale_the_loss_of_their_joint(config):
    loss = MODELS.build(config).double()
    output, target = make_maps(6), make_maps(7)
    one = torch.zeros(2, 3, dtype=torch.float64)
    parts = []
    for k in range(3):
        one[:] = 0
        one[1, k] = 1
        parts.append(loss(output, target, one).item())
    weights = torch.zeros(2, 3, dtype=torch.float64)
    weights[1] = torch.tensor([1.0, 2.0, 3.0])
    expected = parts[0] + 2 * parts[1] + 3 * parts[2]
    assert loss(output, target, weights).item() == pytest.approx(expected)
    unweighted = MODELS.build(dict(config, use_target_weight=False)).double()
    assert unweighted(output, target, weights) == unweighted(output, target)


def test_balance_is_taken_out_again():
    """The codec's weights times the loss's own factors are those without a balance."""
    sigmas = [1.0, 2.0, 4.0]
    joints = np.float32([[[80, 100], [90, 120], [100, 150]]])
    plain = make_codec(sigmas).encode(joints)
    balanced = make_codec(sigmas, balance_weights=True).encode(joints)
    losses = [
        PositionOKSLoss(sigmas, [1.0, 2.0, 3.0], (48, 64), balanced=flag)
        for flag in (False, True)
    ]
    output = torch.rand(1, 3, 64, 48, generator=torch.Generator().manual_seed(0))
    target = torch.from_numpy(plain['heatmaps'])[None]
    found = [
        loss(output, target, torch.from_numpy(encoded['keypoint_weights']).float())
        for loss, encoded in zip(losses, (plain, balanced), strict=True)
    ]
    assert found[0].item() == pytest.approx(found[1].item(), rel=1e-5)  # float32


def test_expected_oks_is_that_of_the_metric():
    """A map that is sure of one cell is expected to get the OKS of that cell."""
    sigmas, tolerance, joint = 2.0, 3.0, (80.0, 120.0)
    codec = make_codec(sigmas)
    encoded = codec.encode(np.float32([[joint]]))
    output = torch.zeros(1, 1, 64, 48)
    output[0, 0, 32, 21] = 100  # the joint is at (20, 30)
    loss = ExpectedOKSLoss(sigmas, tolerance, (48, 64))
    found = loss(output, torch.from_numpy(encoded['heatmaps'])[None])
    assert found.item() == pytest.approx(1 - math.exp(-5 / (2 * 9)), abs=1e-5)


def test_sum_adds_its_losses():
    configs = [dict(LOSSES[0], loss_weight=2.0), LOSSES[2]]
    both = HeatmapLossSum(configs).double()
    parts = [MODELS.build(config).double() for config in configs]
    output, target = make_maps(6), make_maps(7)
    weights = torch.ones(2, 3, dtype=torch.float64)
    expected = sum(part(output, target, weights) for part in parts)
    assert both(output, target, weights) == expected


def test_wrong_arguments_are_named():
    with pytest.raises(ValueError, match=r'sharpness is 0; expected more than 0'):
        MODELS.build(dict(type='HeatmapDivergenceLoss', sharpness=0))
    with pytest.raises(ValueError, match=r'joint 1 is 4.00 cells, 4.0 times its sigma'):
        ExpectedOKSLoss([1.0, 1.0], [1.0, 4.0], (48, 64))
    with pytest.raises(ValueError, match=r'losses is empty'):
        HeatmapLossSum([])
    loss = MODELS.build(LOSSES[0])
    with pytest.raises(ValueError, match=r'\(2, 4\); expected \(2, 3\)'):
        loss(make_maps(0), make_maps(1), torch.ones(2, 4))
