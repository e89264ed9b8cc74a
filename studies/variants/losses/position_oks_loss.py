"""One minus the OKS of the mean of a heatmap that is read as a distribution."""

from mmpose.registry import MODELS
from torch import Tensor

from studies.variants.losses.map_losses import compute_position_distance
from studies.variants.losses.oks_loss import OKSLoss


@MODELS.register_module()
class PositionOKSLoss(OKSLoss):
    """``1 - OKS(mean of softmax(sharpness * output), joint)``, averaged over the maps.

    Joints are read as integral regression reads them (Sun et al., ECCV 2018,
    arXiv:1711.08229), and compared as the metric compares them: each with its own
    tolerance. Its gradient ends where a joint is several tolerances off, so add it to a
    loss of Gaussians (`HeatmapLossSum`). Arguments of `OKSLoss`.
    """

    def compare(self, output: Tensor, target: Tensor) -> Tensor:
        """Output and target (B, K, H, W) -> a loss of each map (B, K)."""
        tolerances = self.tolerances.to(target.dtype)
        return compute_position_distance(output, target, tolerances, self.sharpness)
