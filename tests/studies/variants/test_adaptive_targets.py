import numpy as np
import pytest
import torch

from gm_pose.codecs import JointAdaptiveMSRAHeatmap
from gm_pose.ops.gaussian_targets import compute_balance_weights
from studies.variants.adaptive_targets import (
    balance_by_energy,
    compute_adaptive_weights,
    draw_gaussians,
    penalize_scales,
    rescale_gaussians,
)

SIGMAS = torch.tensor([1.1, 1.7, 2.2], dtype=torch.float64)
POSITIONS = torch.tensor(
    [[[10.3, 20.7], [0.0, 63.0], [47.0, 5.5]]], dtype=torch.float64
)


def test_gaussians_equal_the_codecs_targets():
    codec = JointAdaptiveMSRAHeatmap(
        (96, 128), (48, 64), SIGMAS.tolist(), unbiased=True
    )
    expected = codec.encode(POSITIONS.numpy() * 2)['heatmaps']
    drawn = draw_gaussians(POSITIONS, SIGMAS, 64, 48)[0].numpy()
    # the codec rounds two factors and their product to float32 and drops exp(-40)
    np.testing.assert_allclose(drawn, expected, atol=3 * 2**-24)


def test_sigmas_pass_gradcheck():
    sigmas = SIGMAS.clone().requires_grad_()
    assert torch.autograd.gradcheck(
        lambda s: draw_gaussians(POSITIONS[:, :, :] / 8, s, 7, 6), sigmas
    )


def test_power_of_a_gaussian_is_a_gaussian_of_the_scaled_sigma():
    base = draw_gaussians(POSITIONS, SIGMAS, 64, 48)
    near = base > 1e-30
    for factor in (0.5, 1.0, 1.5):
        rescaled = rescale_gaussians(base, torch.full_like(base, factor))
        expected = draw_gaussians(POSITIONS, SIGMAS * factor, 64, 48)
        torch.testing.assert_close(rescaled[near], expected[near], rtol=1e-9, atol=0)
    assert (
        rescale_gaussians(torch.zeros(1, 1, 2, 2), torch.ones(1, 1, 2, 2)) == 0
    ).all()


def test_scales_have_finite_gradients_where_the_target_is_empty():
    scales = torch.ones(1, 1, 4, 4, requires_grad=True)
    rescale_gaussians(torch.zeros(1, 1, 4, 4), scales).sum().backward()
    assert torch.isfinite(scales.grad).all()


def test_balance_equals_the_codecs():
    np.testing.assert_allclose(
        balance_by_energy(SIGMAS).numpy(), compute_balance_weights(SIGMAS), rtol=1e-6
    )
    assert not balance_by_energy(SIGMAS.requires_grad_()).requires_grad
    SIGMAS.requires_grad_(False)


def test_adaptive_weights_by_hand():
    targets = torch.tensor([1.0, 1.0, 0.0, 0.0])
    predicted = torch.tensor([1.0, 0.25, 0.0, -0.5], requires_grad=True)
    weights = compute_adaptive_weights(predicted, targets, gamma=0.01)
    assert weights.tolist() == pytest.approx([0.0, 0.75, 0.0, 0.5])
    assert not weights.requires_grad


def test_penalty_by_hand():
    # (1/1 - 1)^2, (1/2 - 1)^2, (1/0.5 - 1)^2
    scales = torch.tensor([1.0, 2.0, 0.5])
    assert penalize_scales(scales).item() == pytest.approx((0 + 0.25 + 1) / 3)
