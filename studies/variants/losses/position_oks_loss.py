"""One minus the OKS of the mean of a heatmap that is read as a distribution."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from mmpose.registry import MODELS
from torch import Tensor, nn

from gm_pose.codecs.dataset_metainfo import load_skeleton
from gm_pose.ops.gaussian_targets import compute_balance_weights
from gm_pose.ops.sigma_tables import resolve_sigmas
from studies.variants.losses.map_losses import compute_position_distance
from studies.variants.losses.map_weights import average_maps

Sigmas = str | float | Sequence[float] | Mapping[str, Any]


@MODELS.register_module()
class PositionOKSLoss(nn.Module):
    """``1 - OKS(mean of softmax(sharpness * output), joint)``, averaged over the maps.

    Joints are read as integral regression reads them (Sun et al., ECCV 2018,
    arXiv:1711.08229), and compared as the metric compares them: each with its own
    tolerance. Its gradient ends where a joint is several tolerances off, so add it to a
    loss of Gaussians (`HeatmapLossSum`).

    Args:
        sigmas: the codec's; read only where `balanced`.
        tolerances: sigmas of OKS's own Gaussians, in cells, in the codec's notation:
            ``dict(oks='coco', mean=3.4)``, see docs/use-the-codec.md.
        heatmap_size: [W, H] in cells.
        dataset: as the codec's.
        sharpness: as in `ExpectedOKSLoss`.
        balanced: the codec has `balance_weights`, which are taken out again.
        use_target_weight: multiply each map's loss by its keypoint weight.
        loss_weight: factor of the loss.

    Raises:
        ValueError: sharpness is not above 0.
    """

    tolerances: Tensor
    unbalance: Tensor

    def __init__(
        self,
        sigmas: Sigmas,
        tolerances: Sigmas,
        heatmap_size: tuple[int, int],
        dataset: str | None = None,
        sharpness: float = 20.0,
        balanced: bool = False,
        use_target_weight: bool = True,
        loss_weight: float = 1.0,
    ) -> None:
        super().__init__()
        if not sharpness > 0:
            raise ValueError(f'sharpness is {sharpness}; expected more than 0')
        cells, tolerated = (
            resolve_sigmas(table, heatmap_size, dataset, load_skeleton).cells
            for table in (sigmas, tolerances)
        )
        factors = 1 / compute_balance_weights(cells.tolist())
        self.register_buffer(
            'tolerances', torch.tensor(tolerated, dtype=torch.float32), persistent=False
        )
        self.register_buffer(
            'unbalance', torch.from_numpy(factors).float(), persistent=False
        )
        self.sharpness = sharpness
        self.balanced = balanced
        self.use_target_weight = use_target_weight
        self.loss_weight = loss_weight

    def forward(
        self, output: Tensor, target: Tensor, target_weights: Tensor | None = None
    ) -> Tensor:
        """Output and target (B, K, H, W), weights (B, K) -> loss, a scalar."""
        tolerances = self.tolerances.to(target.dtype)
        values = compute_position_distance(output, target, tolerances, self.sharpness)
        weights = target_weights if self.use_target_weight else None
        if weights is not None and self.balanced:
            weights = weights * self.unbalance
        return average_maps(values, weights) * self.loss_weight
