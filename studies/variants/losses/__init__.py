"""Losses of heatmaps, registered in `mmpose.registry.MODELS`."""

from studies.variants.losses.expected_oks_loss import ExpectedOKSLoss
from studies.variants.losses.heatmap_divergence_loss import HeatmapDivergenceLoss
from studies.variants.losses.heatmap_loss_sum import HeatmapLossSum
from studies.variants.losses.position_oks_loss import PositionOKSLoss

__all__ = [
    'ExpectedOKSLoss',
    'HeatmapDivergenceLoss',
    'HeatmapLossSum',
    'PositionOKSLoss',
]
