"""A heatmap head after SWAHR: a scale for every cell and the weight-adaptive loss."""

from math import exp
from typing import Any

import torch
from mmpose.models.heads import HeatmapHead
from mmpose.registry import MODELS
from torch import Tensor, nn

from studies.variants.adaptive_targets import (
    compute_adaptive_weights,
    penalize_scales,
    rescale_gaussians,
)

# SWAHR cuts its Gaussians at 3 sigma; what lies outside is background.
CUT = exp(-4.5)


@MODELS.register_module()
class ScaleMapHead(HeatmapHead):
    """`HeatmapHead` with one more 1x1 convolution that predicts scales (B, K, H, W).

    Luo et al., "Rethinking the Heatmap Regression for Bottom-Up Human Pose Estimation"
    (CVPR 2021), eq. for the scale-adaptive and the weight-adaptive loss, for one person
    a crop: targets ``H^(1 / r^2)`` with the predicted scale r of each cell, weights
    ``H^g |1 - P| + |P| (1 - H^g)``, and ``(1 / r - 1)^2`` over the cells of a joint as
    regulariser. The scales serve the training only; decoding is the codec's.

    Args:
        gamma: g, 0.01 as in SWAHR.
        regularization: weight of the regulariser.
        learn_scales: False keeps r = 1 and leaves the weight-adaptive loss alone.
    """

    def __init__(
        self,
        *args: Any,
        gamma: float = 0.01,
        regularization: float = 1e-3,
        learn_scales: bool = True,
        **kwargs: Any,
    ):
        super().__init__(*args, **kwargs)
        self.gamma = gamma
        self.regularization = regularization
        self.scale_layer = (
            nn.Conv2d(self.final_layer.in_channels, self.out_channels, 1)
            if learn_scales
            else None
        )

    def loss(
        self, feats: tuple[Tensor], batch_data_samples: list, train_cfg: Any = None
    ) -> dict[str, Tensor]:
        """Weighted MSE to the rescaled targets, and the regulariser."""
        features = self.conv_layers(self.deconv_layers(feats[-1]))
        predicted = self.final_layer(features)
        targets = torch.stack([s.gt_fields.heatmaps for s in batch_data_samples])
        weights = torch.cat(
            [s.gt_instance_labels.keypoint_weights for s in batch_data_samples]
        )
        inside = targets >= CUT
        targets = targets * inside
        losses = {}
        if self.scale_layer is not None:
            # softplus(x + ln(e - 1)) is 1 at x = 0: training starts with the table
            scales = nn.functional.softplus(self.scale_layer(features) + 0.541325)
            scales = scales.clamp(min=0.25)
            targets = rescale_gaussians(targets, scales)
            losses['loss_scale'] = self.regularization * penalize_scales(scales[inside])
        cell_weights = compute_adaptive_weights(predicted, targets, self.gamma)
        cell_weights = cell_weights * weights[:, :, None, None]
        losses['loss_kpt'] = (cell_weights * (predicted - targets) ** 2).mean()
        return losses
