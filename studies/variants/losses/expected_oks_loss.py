"""One minus the OKS that a heatmap, read as a distribution, is expected to get."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from mmpose.registry import MODELS
from torch import Tensor, nn

from gm_pose.codecs.dataset_metainfo import load_skeleton
from gm_pose.ops.gaussian_targets import compute_balance_weights
from gm_pose.ops.sigma_tables import resolve_sigmas
from studies.variants.losses.map_losses import (
    MAX_WIDENING,
    compute_expected_distance,
    widen_gaussians,
)
from studies.variants.losses.map_weights import average_maps

Sigmas = str | float | Sequence[float] | Mapping[str, Any]


@MODELS.register_module()
class ExpectedOKSLoss(nn.Module):
    """``1 - sum_cells softmax(sharpness * output) * OKS(cell)``, averaged over the maps.

    The OKS of a guess at a cell is a Gaussian around the joint whose sigma is the joint's
    tolerance. It is made from the target, ``target^(sigma^2 / tolerance^2)``, so the loss
    takes what every heatmap head of MMPose hands it. Choosing the guess of largest
    expected OKS is the idea of ProbPose (Purkrabek and Matas, CVPR 2025,
    arXiv:2412.02254), which trains probability maps; this is written from the formula.

    It is linear in the probabilities, so alone it is content with one cell and says
    nothing about the place inside it: add it to a loss of Gaussians (`HeatmapLossSum`).

    Args:
        sigmas: the codec's, in the same notation.
        tolerances: sigmas of OKS's own Gaussians, in cells, in the same notation:
            ``dict(oks='coco', mean=3.4)``, see docs/use-the-codec.md.
        heatmap_size: [W, H] in cells.
        dataset: as the codec's.
        sharpness: factor of the output in the softmax. Maps of Gaussians of height 1 need
            about 20: softmax of the map itself would be nearly flat.
        balanced: the codec has `balance_weights`. They are taken out again: the size of
            this loss does not depend on the sigma.
        use_target_weight: multiply each map's loss by its keypoint weight.
        loss_weight: factor of the loss.

    Raises:
        ValueError: sharpness is not above 0, or a tolerance is more than `MAX_WIDENING`
            times the sigma.
    """

    widening: Tensor
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
        cells, tolerated = np.broadcast_arrays(
            *(
                resolve_sigmas(table, heatmap_size, dataset, load_skeleton).cells
                for table in (sigmas, tolerances)
            )
        )
        widening = tolerated / cells
        if widening.max() > MAX_WIDENING:
            k = int(widening.argmax())
            raise ValueError(
                f'the tolerance of joint {k} is {tolerated[k]:.2f} cells, '
                f'{widening[k]:.1f} times its sigma of {cells[k]:.2f}; expected at most '
                f'{MAX_WIDENING:g} times. Fix: a larger sigma'
            )
        factors = 1 / compute_balance_weights(cells.tolist())
        self.register_buffer(
            'widening', torch.tensor(widening, dtype=torch.float32), persistent=False
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
        """Output and target (B, K, H, W), weights (B, K) -> loss, a scalar.

        A map without a joint (all 0) gives a constant; its weight should be 0.
        """
        similarities = widen_gaussians(target, self.widening.to(target.dtype))
        values = compute_expected_distance(output, similarities, self.sharpness)
        weights = target_weights if self.use_target_weight else None
        if weights is not None and self.balanced:
            weights = weights * self.unbalance
        return average_maps(values, weights) * self.loss_weight
