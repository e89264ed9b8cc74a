"""The Gaussian Mixture Block as an MMPose neck."""

from collections.abc import Sequence

from mmcv.cnn import build_norm_layer
from mmengine.model import BaseModule
from mmpose.registry import MODELS
from torch import Tensor, nn

from gm_pose.models.gaussian_mixture import GaussianMixture
from gm_pose.models.mixture_settings import MixtureSettings
from gm_pose.ops.gaussian_smoothing import DEFAULT_TRUNCATE

# Sigmas to start from, in feature cells. Set 1 and Set 2 span 0.84 to 2.2 heatmap
# cells, 0.11 to 0.28 cells of a map 8 times coarser; below 0.15 a Gaussian is the
# identity to 1e-3 and has no gradient to learn from, so the spread starts there and
# reaches beyond.
INIT_SIGMA_RANGE = (0.15, 1.2)


@MODELS.register_module()
class GaussianMixtureBlock(BaseModule):
    """Backbone features -> the same features plus a mixture of their smoothed views.

    ``y = x + BN(expand(sum_m weight_m * smooth(r, sigma_m)))``, ``r = ReLU(BN(reduce
    (x)))`` with 1x1 convolutions, M learnable sigmas and per-position weights
    ``softmax(1x1(r))``. Stands between backbone and transposed convolutions as
    in the paper; the inside is this project's design, the paper's drawing being lost.

    The scale of the last BN starts at 0, so ``y = x`` to the last bit: training starts
    as the model without the block.

    Takes and returns MMPose's tuple of feature maps (B, C, H, W), any H, W >= 1; the
    last map is transformed, the others pass through.

    Args:
        in_channels: C of the last feature map (ResNet-50: 2048).
        mid_channels: channels that are smoothed. 192 costs a ResNet-50 Simple Baseline
            0.7 % FLOPs and 2.3 % parameters (256: 0.9 % and 3.1 %).
        num_components: M, how many sigmas are mixed. 1 leaves one smoothing without
            mixing.
        num_groups: groups of the `mid_channels` that have mixture weights of their own;
            above 1 only where there are weights: M above 1 and 'softmax'.
        init_sigmas: M starting sigmas in feature cells; by default geometric over
            `INIT_SIGMA_RANGE`.
        min_sigma: lower bound of a sigma in feature cells.
        truncate: kernel support on each side in sigmas.
        learn_sigmas: False keeps `init_sigmas`.
        mixing: 'softmax', or 'uniform' for the plain average of the views.
        norm_cfg: normalisation after both 1x1 convolutions.
        with_cp: recompute the views in the backward pass instead of keeping them.
        init_cfg: MMEngine initialisation; the default keeps the identity start. One of
            your own should not set `expand_norm`'s weight if you want to keep it.

    Raises:
        ValueError: an argument is out of its range, or a forward's last map has other
            than `in_channels` channels.
    """

    def __init__(
        self,
        in_channels: int,
        mid_channels: int = 192,
        num_components: int = 4,
        num_groups: int = 1,
        init_sigmas: Sequence[float] | None = None,
        min_sigma: float = 0.05,
        truncate: float = DEFAULT_TRUNCATE,
        learn_sigmas: bool = True,
        mixing: str = 'softmax',
        norm_cfg: dict = dict(type='BN'),  # noqa: B006
        with_cp: bool = False,
        init_cfg: dict | list[dict] | None = None,
    ):
        if init_cfg is None:
            init_cfg = [
                dict(type='Kaiming', layer='Conv2d'),
                dict(
                    type='Constant',
                    layer=['_BatchNorm', 'GroupNorm'],
                    val=1,
                    override=dict(type='Constant', name='expand_norm', val=0),
                ),
            ]
        super().__init__(init_cfg)
        if min(in_channels, mid_channels) < 1:
            raise ValueError(
                'in_channels and mid_channels must be at least 1, got '
                f'{in_channels} and {mid_channels}'
            )
        if num_groups > 1 and (num_components == 1 or mixing == 'uniform'):
            raise ValueError(
                f'num_groups={num_groups} has no effect with num_components='
                f'{num_components} and mixing={mixing!r}, which have no mixture weights: '
                "set num_groups=1, or num_components above 1 and mixing='softmax'"
            )
        self.in_channels = in_channels
        self.reduce_conv = nn.Conv2d(in_channels, mid_channels, 1, bias=False)
        self.reduce_norm = build_norm_layer(norm_cfg, mid_channels)[1]
        self.relu = nn.ReLU(inplace=True)
        self.mixture = GaussianMixture(
            mid_channels,
            mid_channels,
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
            num_groups=num_groups,
        )
        self.expand_conv = nn.Conv2d(mid_channels, in_channels, 1, bias=False)
        self.expand_norm = build_norm_layer(norm_cfg, in_channels)[1]
        nn.init.zeros_(self.expand_norm.weight)

    def forward(self, feats: Sequence[Tensor]) -> tuple[Tensor, ...]:
        x = feats[-1]
        if x.shape[1] != self.in_channels:
            raise ValueError(
                f'the last feature map has {x.shape[1]} channels, the block was built '
                f'for in_channels={self.in_channels}: set in_channels={x.shape[1]}'
            )
        reduced = self.relu(self.reduce_norm(self.reduce_conv(x)))
        mixed = self.mixture(reduced, reduced)
        return (*feats[:-1], x + self.expand_norm(self.expand_conv(mixed)))
