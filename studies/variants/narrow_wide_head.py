"""A heatmap head with a narrow and a wide map for each joint."""

from typing import Any

import torch
from mmpose.models.heads import HeatmapHead
from mmpose.registry import MODELS
from torch import Tensor

from studies.variants.losses.map_losses import widen_gaussians
from studies.variants.probability_head import rebuild_decoder


@MODELS.register_module()
class NarrowWideHead(HeatmapHead):
    """`HeatmapHead` that predicts Gaussians of the codec's sigma s and of ``factor * s``.

    The wide map is found from further away and the narrow one places the joint. Outside
    training their product is given, a Gaussian of sigma ``s f / sqrt(1 + f^2)``: a peak of
    the narrow map counts as far as the wide one has it, too. They are decoded as such.
    Costs one more 1x1 convolution.

    Args:
        out_channels: K.
        factor: f.
    """

    def __init__(self, *args: Any, factor: float = 2.0, **kwargs: Any):
        self.num_joints = kwargs['out_channels']
        self.factor = factor
        super().__init__(*args, **dict(kwargs, out_channels=2 * self.num_joints))
        shrunk = self.decoder.sigmas_cells * factor / (1 + factor**2) ** 0.5
        self.decoder = rebuild_decoder(kwargs['decoder'], shrunk)

    def forward(self, feats: tuple[Tensor]) -> Tensor:
        """Features -> maps (B, 2 K, H, W) in training, else (B, K, H, W)."""
        maps = super().forward(feats)
        if self.training:
            return maps
        narrow, wide = maps.split(self.num_joints, 1)
        return narrow.clamp(min=0) * wide.clamp(min=0)

    def loss(
        self, feats: tuple[Tensor], batch_data_samples: list, train_cfg: Any = None
    ) -> dict[str, Tensor]:
        """The loss of both, each with the same energy."""
        narrow = torch.stack([s.gt_fields.heatmaps for s in batch_data_samples])
        labels = [sample.gt_instance_labels for sample in batch_data_samples]
        weights = torch.cat([label.keypoint_weights for label in labels])
        widening = narrow.new_full((self.num_joints,), self.factor)
        targets = torch.cat([narrow, widen_gaussians(narrow, widening)], 1)
        weights = torch.cat([weights, weights / self.factor**2], 1)
        return dict(loss_kpt=self.loss_module(self.forward(feats), targets, weights))
