"""A heatmap head that learns one sigma per joint together with the network."""

from typing import Any

import torch
from mmpose.models.heads import HeatmapHead
from mmpose.registry import KEYPOINT_CODECS, MODELS
from torch import Tensor, nn

from studies.variants.adaptive_targets import (
    balance_by_energy,
    draw_gaussians,
    penalize_scales,
)


@MODELS.register_module()
class LearnedSigmaHead(HeatmapHead):
    """`HeatmapHead` whose targets have the sigmas ``s_k = s0_k exp(theta_k)``.

    The loss is the balanced MSE to targets of the present sigmas plus ``regularization *
    mean((1 / r - 1)^2)``, r = s / s0, which holds the sigmas near the codec's table.
    Decoding uses the learned sigmas. Needs `PositionHeatmap` as encoder and decoder.

    Args:
        regularization: weight of the second term; the MSE of a learned map is of the
            order of 1e-3.
    """

    def __init__(self, *args: Any, regularization: float = 1e-3, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.decoder_cfg = kwargs['decoder']
        if not regularization > 0:
            raise ValueError(
                'without regularization the sigmas drift to where the loss is smallest, '
                f'not to where joints are found: it must be above 0, got {regularization}'
            )
        self.regularization = regularization
        cells = torch.as_tensor(self.decoder.sigmas_cells, dtype=torch.float32)
        self.register_buffer('table_cells', cells.expand(self.out_channels).clone())
        self.log_scales = nn.Parameter(torch.zeros(self.out_channels))

    @property
    def sigmas(self) -> Tensor:
        """Present sigmas in cells (K,)."""
        return self.table_cells * self.log_scales.exp()

    def loss(
        self, feats: tuple[Tensor], batch_data_samples: list, train_cfg: Any = None
    ) -> dict[str, Tensor]:
        """Balanced MSE to targets of the present sigmas, and the regulariser."""
        predicted = self.forward(feats)
        labels = [sample.gt_instance_labels for sample in batch_data_samples]
        positions = torch.cat([label.keypoint_labels for label in labels])
        weights = torch.cat([label.keypoint_weights for label in labels])
        targets = draw_gaussians(positions, self.sigmas, *predicted.shape[-2:])
        weights = weights * balance_by_energy(self.sigmas)
        return dict(
            loss_kpt=self.loss_module(predicted, targets, weights),
            loss_sigma=self.regularization * penalize_scales(self.log_scales.exp()),
        )

    def decode(self, batch_outputs: Tensor) -> list:
        learned = self.sigmas.detach().double().cpu().tolist()
        self.decoder = KEYPOINT_CODECS.build(dict(self.decoder_cfg, sigmas=learned))
        return super().decode(batch_outputs)
