"""One minus the OKS that a heatmap, read as a distribution, is expected to get."""

from typing import Any

import torch
from mmpose.registry import MODELS
from torch import Tensor

from studies.variants.losses.map_losses import (
    MAX_WIDENING,
    compute_expected_distance,
    widen_gaussians,
)
from studies.variants.losses.oks_loss import OKSLoss


@MODELS.register_module()
class ExpectedOKSLoss(OKSLoss):
    """``1 - sum_cells softmax(sharpness * output) * OKS(cell)``, averaged over the maps.

    The OKS of a guess at a cell is a Gaussian around the joint whose sigma is the joint's
    tolerance. It is made from the target, ``target^(sigma^2 / tolerance^2)``, so the loss
    takes what every heatmap head of MMPose hands it. Choosing the guess of largest
    expected OKS is the idea of ProbPose (Purkrabek and Matas, CVPR 2025,
    arXiv:2412.02254), which trains probability maps; this is written from the formula.

    It is linear in the probabilities, so alone it is content with one cell and says
    nothing about the place inside it: add it to a loss of Gaussians (`HeatmapLossSum`).
    Arguments of `OKSLoss`.

    Raises:
        ValueError: a tolerance is more than `MAX_WIDENING` times the sigma.
    """

    widening: Tensor

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        sigmas, tolerances = torch.broadcast_tensors(self.sigmas, self.tolerances)
        widening = tolerances / sigmas
        k = int(widening.argmax())
        if widening[k] > MAX_WIDENING:
            raise ValueError(
                f'the tolerance of joint {k} is {tolerances[k]:.2f} cells, '
                f'{widening[k]:.1f} times its sigma of {sigmas[k]:.2f}; expected at most '
                f'{MAX_WIDENING:g} times. Fix: a larger sigma'
            )
        self.register_buffer('widening', widening, persistent=False)

    def compare(self, output: Tensor, target: Tensor) -> Tensor:
        """Output and target (B, K, H, W) -> a loss of each map (B, K)."""
        similarities = widen_gaussians(target, self.widening.to(target.dtype))
        return compute_expected_distance(output, similarities, self.sharpness)
