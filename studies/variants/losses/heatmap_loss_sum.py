"""Several losses of the same heatmaps, added."""

from collections.abc import Sequence
from typing import Any

from mmpose.registry import MODELS
from torch import Tensor, nn


@MODELS.register_module()
class HeatmapLossSum(nn.Module):
    """The sum of losses that all take (output, target, target_weights).

    Args:
        losses: their configs; each has its own `loss_weight`.

    Raises:
        ValueError: no loss.
    """

    def __init__(self, losses: Sequence[dict[str, Any]]) -> None:
        super().__init__()
        if not losses:
            raise ValueError('losses is empty; expected configs of losses')
        self.losses = nn.ModuleList(MODELS.build(dict(loss)) for loss in losses)

    def forward(
        self, output: Tensor, target: Tensor, target_weights: Tensor | None = None
    ) -> Tensor:
        """Output and target (B, K, H, W), weights (B, K) -> loss, a scalar."""
        values = [loss(output, target, target_weights) for loss in self.losses]
        return sum(values[1:], start=values[0])
