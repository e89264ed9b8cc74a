"""Targets whose sigma is learned: plain torch functions, no mm* import."""

import torch
from torch import Tensor


def draw_gaussians(
    positions: Tensor, sigmas: Tensor, height: int, width: int
) -> Tensor:
    """Positions (B, K, 2) in cells, sigmas (K,) in cells -> maps (B, K, H, W).

    ``exp(-((X - x)^2 + (Y - y)^2) / (2 s^2))``, differentiable in the sigmas.
    """
    rates = -0.5 / sigmas[:, None] ** 2
    columns = torch.arange(width, dtype=positions.dtype, device=positions.device)
    rows = torch.arange(height, dtype=positions.dtype, device=positions.device)
    along_x = torch.exp((columns - positions[..., :1]) ** 2 * rates)
    along_y = torch.exp((rows - positions[..., 1:]) ** 2 * rates)
    return along_y[..., :, None] * along_x[..., None, :]


def balance_by_energy(sigmas: Tensor) -> Tensor:
    """Sigmas (K,) -> weights ``(1 / s^2) / mean(1 / s^2)``, without gradient.

    With a gradient the loss could shrink by making every Gaussian wider.
    """
    inverse = sigmas.detach() ** -2
    return inverse / inverse.mean()


def rescale_gaussians(targets: Tensor, scales: Tensor) -> Tensor:
    """Gaussians H (B, K, H, W) of sigma s0, scales r of the same shape -> sigma ``s0 r``.

    ``H^(1 / r^2)``: a Gaussian to a power is one of another sigma; with a scale per cell
    this is SWAHR's scale-adaptive map (Luo et al., CVPR 2021). Cells where H is 0 stay 0.
    """
    floor = torch.finfo(targets.dtype).tiny
    powered = torch.exp(torch.log(targets.clamp(min=floor)) / scales**2)
    return torch.where(targets > floor, powered, torch.zeros_like(powered))


def compute_adaptive_weights(
    predicted: Tensor, targets: Tensor, gamma: float
) -> Tensor:
    """SWAHR's weight-adaptive loss weights ``H^g |1 - P| + |P| (1 - H^g)``, no gradient.

    Small where the prediction is easy: near 1 on a joint, near 0 far from any.
    """
    foreground = targets.detach().clamp(0, 1) ** gamma
    peaks = predicted.detach()
    return foreground * (1 - peaks).abs() + peaks.abs() * (1 - foreground)


def penalize_scales(scales: Tensor) -> Tensor:
    """Scales -> mean of ``(1 / r - 1)^2``, SWAHR's regulariser; 0 where all are 1."""
    return ((1 / scales - 1) ** 2).mean()
