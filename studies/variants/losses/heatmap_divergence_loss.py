"""Cross-entropy of heatmaps that are read as distributions."""

from mmpose.registry import MODELS
from torch import Tensor, nn

from studies.variants.losses.map_losses import compute_map_divergence
from studies.variants.losses.map_weights import average_maps


@MODELS.register_module()
class HeatmapDivergenceLoss(nn.Module):
    """``KL(target / sum(target) || softmax(sharpness * output))``, averaged over the maps.

    The energy of a Gaussian target grows with the square of its sigma; that of a
    distribution does not, so sigmas of different joints need no balance: leave the codec's
    `balance_weights` off.

    Args:
        sharpness: factor of the output in the softmax; above 1 the network's last layer
            needs less of the learning.
        use_target_weight: multiply each map's loss by its keypoint weight.
        loss_weight: factor of the loss.

    Raises:
        ValueError: sharpness is not above 0.
    """

    def __init__(
        self,
        sharpness: float = 1.0,
        use_target_weight: bool = True,
        loss_weight: float = 1.0,
    ) -> None:
        super().__init__()
        if not sharpness > 0:
            raise ValueError(f'sharpness is {sharpness}; expected more than 0')
        self.sharpness = sharpness
        self.use_target_weight = use_target_weight
        self.loss_weight = loss_weight

    def forward(
        self, output: Tensor, target: Tensor, target_weights: Tensor | None = None
    ) -> Tensor:
        """Output and target (B, K, H, W), weights (B, K) -> loss, a scalar."""
        values = compute_map_divergence(output, target, self.sharpness)
        weights = target_weights if self.use_target_weight else None
        return average_maps(values, weights) * self.loss_weight
