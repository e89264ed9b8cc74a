"""The Gaussian mixture after the transposed convolutions, as an MMPose head."""

from collections.abc import Sequence
from typing import Any

import torch
from mmpose.models.heads import HeatmapHead
from mmpose.registry import MODELS
from torch import Tensor, nn

from gm_pose.models.gaussian_mixture import GaussianMixture
from gm_pose.models.mixture_settings import MixtureSettings
from gm_pose.ops.gaussian_smoothing import DEFAULT_TRUNCATE

# Sigmas to start from, in heatmap cells. A peak of the paper's smallest sigma (0.84, Set
# 2's eyes) gets its largest (2.2, Set 1's hips) under a Gaussian of
# sqrt(2.2 ** 2 - 0.84 ** 2) = 2.0.
INIT_SIGMA_RANGE = (0.5, 2.0)


@MODELS.register_module()
class GaussianMixtureHead(HeatmapHead):
    """Features -> heatmaps (B, K, H, W), each joint's a mixture of its smoothed views.

    ``y[k] = h[k] + a[k] * (sum_m weight[k, m] * smooth(h[k], sigma[k, m]) - h[k])``
    with `h` the heatmaps of a plain `HeatmapHead`, `sigma` in heatmap cells, and the
    weights a softmax over M, predicted per position from all joints' `h` and per image
    from the mean feature under the final layer, which is cheaper than a 1x1 convolution
    of those features at every position. The paper's block stands before the transposed
    convolutions (`GaussianMixtureBlock`); here sigmas are in the targets' unit and every
    joint has its own.

    ``a`` starts at 0, so the heatmaps equal `HeatmapHead`'s to the last bit. It is not
    bounded: 1 is the mixture itself, below 0 the head sharpens (unsharp masking), so a
    heatmap can get narrower as well as wider. A constant is kept for every ``a``.

    Args:
        in_channels: as in `HeatmapHead`.
        out_channels: K, number of heatmaps.
        num_components: M, how many sigmas each joint mixes.
        init_sigmas: M starting sigmas in heatmap cells, the same for all joints; by
            default geometric over `INIT_SIGMA_RANGE`.
        min_sigma: lower bound of a sigma in heatmap cells.
        truncate: kernel support on each side in sigmas.
        learn_sigmas: False keeps `init_sigmas`.
        mixing: 'softmax', or 'uniform' for the plain average of the views.
        with_cp: recompute the views in the backward pass instead of keeping them.
        **kwargs: every other argument of `HeatmapHead`.

    Raises:
        ValueError: an argument is out of its range, or there is no final layer.
    """

    def __init__(
        self,
        in_channels: int | Sequence[int],
        out_channels: int,
        num_components: int = 3,
        init_sigmas: Sequence[float] | None = None,
        min_sigma: float = 0.05,
        truncate: float = DEFAULT_TRUNCATE,
        learn_sigmas: bool = True,
        mixing: str = 'softmax',
        with_cp: bool = False,
        **kwargs: Any,
    ):
        super().__init__(in_channels, out_channels, **kwargs)
        if isinstance(self.final_layer, nn.Identity):
            raise ValueError(
                'final_layer=None leaves no heatmaps to smooth: drop final_layer or '
                'use HeatmapHead'
            )
        self.mixture = GaussianMixture(
            out_channels,
            out_channels,
            MixtureSettings(
                num_components=num_components,
                init_sigma_range=INIT_SIGMA_RANGE,
                init_sigmas=init_sigmas,
                min_sigma=min_sigma,
                truncate=truncate,
                learn_sigmas=learn_sigmas,
                mixing=mixing,
                with_cp=with_cp,
            ),
            num_groups=out_channels,
            sigma_per_channel=True,
            image_channels=self.final_layer.in_channels,
        )
        self.mixture_scale = nn.Parameter(torch.zeros(out_channels, 1, 1))

    def forward(self, feats: Sequence[Tensor]) -> Tensor:
        x = self.conv_layers(self.deconv_layers(feats[-1]))
        heatmaps = self.final_layer(x)
        mixed = self.mixture(heatmaps, heatmaps, x)
        return heatmaps + self.mixture_scale.to(mixed.dtype) * (mixed - heatmaps)
