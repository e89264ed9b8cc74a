"""Losses that read a heatmap as a distribution of the joint's place (torch).

P is the softmax of a map over its H x W cells. Maps are (B, K, H, W); every loss is one
number per map, (B, K).
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

MAX_WIDENING = 3.0
"""Targets are cut at ``exp(-40)`` an axis, of which ``exp(-40 / 3^2) = 0.012`` is left."""


def compute_log_probabilities(maps: 'Tensor', sharpness: float = 1.0) -> 'Tensor':
    """Maps (B, K, H, W) -> ``log softmax(sharpness * map)`` over the cells, same shape."""
    flat = (maps * sharpness).flatten(2)
    return flat.log_softmax(-1).view_as(maps)


def compute_map_divergence(
    maps: 'Tensor', targets: 'Tensor', sharpness: float = 1.0
) -> 'Tensor':
    """Maps, targets (B, K, H, W) -> ``KL(target / sum(target) || P)`` (B, K).

    The cross-entropy without the target's own entropy, so that 0 is reached. A target of
    zeros (no joint) gives 0.

    Args:
        maps: predicted.
        targets: not negative.
        sharpness: factor of the maps in the softmax.

    Example:
        >>> import torch
        >>> target = torch.tensor([[[[0.5, 1.0, 0.5]]]])
        >>> compute_map_divergence(target.log(), target).abs().item() < 1e-6
        True
    """
    total = targets.sum((2, 3), keepdim=True)
    wanted = targets / total.clamp(min=1e-12)
    logs = compute_log_probabilities(maps, sharpness)
    entropy = -(wanted * wanted.clamp(min=1e-30).log()).sum((2, 3))
    return -(wanted * logs).sum((2, 3)) - entropy


def widen_gaussians(targets: 'Tensor', widening: 'Tensor') -> 'Tensor':
    """Gaussians (B, K, H, W) of height 1 -> the same, each sigma times widening (K,).

    ``G^(1 / w^2)``. Cells that are 0 stay 0.
    """
    import torch

    exponents = (widening**-2.0)[:, None, None]
    floor = torch.finfo(targets.dtype).tiny
    powered = (targets.clamp(min=floor).log() * exponents).exp()
    return torch.where(targets > floor, powered, torch.zeros_like(powered))


def compute_expected_distance(
    maps: 'Tensor', similarities: 'Tensor', sharpness: float = 1.0
) -> 'Tensor':
    """Maps, similarities (B, K, H, W) -> ``1 - sum_cells P * similarity`` (B, K).

    With the similarity ``exp(-d^2 / (2 t^2))`` of a guess at each cell, t the joint's
    tolerance in OKS, it is one minus the OKS expected of a joint drawn from P.

    Args:
        maps: predicted.
        similarities: of a guess at each cell with the true joint, in [0, 1].
        sharpness: factor of the maps in the softmax.

    Example:
        >>> import torch
        >>> similarity = torch.tensor([[[[0.5, 1.0, 0.0]]]])
        >>> compute_expected_distance(torch.zeros(1, 1, 1, 3), similarity).item()
        0.5
    """
    probabilities = compute_log_probabilities(maps, sharpness).exp()
    return 1 - (probabilities * similarities).sum((2, 3))


def compute_mean_positions(weights: 'Tensor') -> 'Tensor':
    """Maps (B, K, H, W), not negative -> their centers of mass [x, y] (B, K, 2), cells."""
    import torch

    height, width = weights.shape[-2:]
    total = weights.sum((2, 3)).clamp(min=1e-12)
    columns = torch.arange(width, dtype=weights.dtype, device=weights.device)
    rows = torch.arange(height, dtype=weights.dtype, device=weights.device)
    x = (weights.sum(2) * columns).sum(2) / total
    y = (weights.sum(3) * rows).sum(2) / total
    return torch.stack((x, y), -1)


def compute_position_distance(
    maps: 'Tensor', targets: 'Tensor', tolerances: 'Tensor', sharpness: float = 1.0
) -> 'Tensor':
    """Maps, targets (B, K, H, W), tolerances (K,) in cells -> ``1 - OKS`` (B, K).

    OKS between the centers of mass of P and of the target. The target's is the joint
    itself where its Gaussian is not cut by a border.

    Example:
        >>> import torch
        >>> target = torch.tensor([[[[0.5, 1.0, 0.5]]]])
        >>> one = torch.ones(1)
        >>> compute_position_distance(target.log(), target, one).item()
        0.0
    """
    predicted = compute_mean_positions(compute_log_probabilities(maps, sharpness).exp())
    squared = (predicted - compute_mean_positions(targets)).square().sum(-1)
    return 1 - (-0.5 * squared / tolerances**2).exp()
