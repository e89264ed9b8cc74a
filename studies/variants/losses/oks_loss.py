"""What the two losses of OKS have in common: tables, weights, the average."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import torch
from torch import Tensor, nn

from gm_pose.codecs.dataset_metainfo import load_skeleton
from gm_pose.ops.gaussian_targets import compute_balance_weights
from gm_pose.ops.sigma_tables import resolve_sigmas
from studies.variants.losses.map_weights import average_maps

Sigmas: TypeAlias = str | float | Sequence[float] | Mapping[str, Any]


class OKSLoss(nn.Module):
    """A loss that compares maps joint by joint with OKS's tolerances; see `compare`.

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
        ValueError: sharpness is not above 0.
    """

    sigmas: Tensor
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
        for name, values in (
            ('sigmas', cells),
            ('tolerances', tolerated),
            ('unbalance', 1 / compute_balance_weights(cells.tolist())),
        ):
            made = torch.tensor(values, dtype=torch.float32)
            self.register_buffer(name, made, persistent=False)
        self.sharpness = sharpness
        self.balanced = balanced
        self.use_target_weight = use_target_weight
        self.loss_weight = loss_weight

    def compare(self, output: Tensor, target: Tensor) -> Tensor:
        """Output and target (B, K, H, W) -> a loss of each map (B, K)."""
        raise NotImplementedError

    def forward(
        self, output: Tensor, target: Tensor, target_weights: Tensor | None = None
    ) -> Tensor:
        """Output and target (B, K, H, W), weights (B, K) -> loss, a scalar.

        A map without a joint (all 0) gives a constant; its weight should be 0.
        """
        weights = target_weights if self.use_target_weight else None
        if weights is not None and self.balanced:
            weights = weights * self.unbalance
        return average_maps(self.compare(output, target), weights) * self.loss_weight
