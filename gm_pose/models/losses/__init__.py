"""Losses of heatmaps, registered in `mmpose.registry.MODELS`."""

from gm_pose.models.losses.expected_oks_loss import ExpectedOKSLoss
from gm_pose.models.losses.heatmap_divergence_loss import HeatmapDivergenceLoss
from gm_pose.models.losses.heatmap_loss_sum import HeatmapLossSum
from gm_pose.models.losses.position_oks_loss import PositionOKSLoss

__all__ = [
    'ExpectedOKSLoss',
    'HeatmapDivergenceLoss',
    'HeatmapLossSum',
    'PositionOKSLoss',
]
