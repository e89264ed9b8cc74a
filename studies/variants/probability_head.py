"""A heatmap head whose maps are read as distributions."""

from typing import Any

import numpy as np
import torch
from mmpose.models.heads import HeatmapHead
from mmpose.registry import KEYPOINT_CODECS, MODELS
from torch import Tensor

from studies.variants.losses.map_losses import compute_log_probabilities


def rebuild_decoder(config: dict[str, Any], cells: np.ndarray) -> Any:
    """A codec's config with other sigmas (K,) or (1,) in cells -> the codec."""
    sigmas = cells.tolist() if len(cells) > 1 else float(cells[0])
    return KEYPOINT_CODECS.build(dict(config, sigmas=sigmas))


@MODELS.register_module()
class ProbabilityHead(HeatmapHead):
    """`HeatmapHead` that gives softmax maps, scaled to Gaussians of height 1, in eval mode.

    In training the maps are what the losses of `studies.variants.losses` take.

    Args:
        sharpness: of the loss.
        read_sigma: sigma in cells of a peak that holds all of the probability; None: the
            decoder's sigmas, to which `HeatmapDivergenceLoss` leads.
    """

    def __init__(
        self,
        *args: Any,
        sharpness: float = 1.0,
        read_sigma: float | None = None,
        **kwargs: Any,
    ):
        super().__init__(*args, **kwargs)
        self.sharpness = sharpness
        if read_sigma is not None:
            cells = np.full_like(self.decoder.sigmas_cells, read_sigma)
            self.decoder = rebuild_decoder(kwargs['decoder'], cells)
        sigmas = self.decoder.sigmas_cells
        heights = 2 * torch.pi * torch.as_tensor(sigmas, dtype=torch.float32) ** 2
        self.register_buffer('heights', heights[:, None, None], persistent=False)

    def forward(self, feats: tuple[Tensor]) -> Tensor:
        """Features -> maps (B, K, H, W)."""
        maps = super().forward(feats)
        if self.training:
            return maps
        return compute_log_probabilities(maps, self.sharpness).exp() * self.heights
