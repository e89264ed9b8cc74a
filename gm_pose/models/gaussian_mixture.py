"""Per-position mixture of Gaussian-smoothed views: what block and head share.

Pure PyTorch, no MMPose.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint

from gm_pose.models.mixture_settings import MixtureSettings
from gm_pose.ops.gaussian_smoothing import smooth_gaussian


class MixtureWeights(nn.Module):
    """Context map (B, C', H, W) -> mixture weights (B, G, M, H, W) that add up to 1.

    Softmax over M of a 1x1 convolution to G * M logits per position, plus, with
    `image_channels`, a linear map of the mean of an image map (B, C", H', W') to the
    same logits: one offset per image. A module of its own, so that a forward hook can
    read the weights (`gm_pose.models.mixture_readout`).
    """

    def __init__(
        self,
        context_channels: int,
        num_groups: int,
        num_components: int,
        image_channels: int | None = None,
    ):
        super().__init__()
        self.num_groups = num_groups
        self.num_components = num_components
        num_logits = num_groups * num_components
        self.logits = nn.Conv2d(context_channels, num_logits, 1)
        self.image_logits = (
            None
            if image_channels is None
            else nn.Linear(image_channels, num_logits, bias=False)
        )
        self.init_weights()

    def init_weights(self) -> None:
        """Near-uniform weights; MMEngine calls this after the parent's `init_cfg`."""
        nn.init.normal_(self.logits.weight, std=0.001)
        if self.logits.bias is not None:
            nn.init.zeros_(self.logits.bias)
        if self.image_logits is not None:
            nn.init.normal_(self.image_logits.weight, std=0.001)

    def forward(self, context: Tensor, image_map: Tensor | None = None) -> Tensor:
        logits = self.logits(context)
        if self.image_logits is not None:
            if image_map is None:
                raise ValueError(
                    'image_map is missing: the mixture was built with image_channels='
                    f'{self.image_logits.in_features}'
                )
            offsets = self.image_logits(image_map.mean(dim=(2, 3)))
            logits = logits + offsets[:, :, None, None]
        shape = (self.num_groups, self.num_components)
        return logits.unflatten(1, shape).softmax(dim=2)


class GaussianMixture(nn.Module):
    """Map (B, C, H, W) + context (B, C', H, W) -> mixture of smoothed views of the map.

    ``y[g] = sum_m weight[g, m] * smooth(x[g], sigma[m])``, the weights per position and
    per group g of C / G channels. ``sigma = min_sigma + softplus(raw)``: bounded below
    by construction, linear (not exponential) above, so a large step stays finite.

    Args:
        channels: C of the map to smooth.
        context_channels: C' of the map that the weights are predicted from.
        settings: how many sigmas, where they start, and how they are mixed.
        num_groups: G, groups of channels with weights of their own; divides C.
        sigma_per_channel: each channel learns its own M sigmas instead of sharing them.
        image_channels: C" of a second map whose mean over the image shifts the weights;
            None for none.

    Raises:
        ValueError: `num_groups` does not divide `channels`.

    Example:
        >>> settings = MixtureSettings(num_components=3, init_sigma_range=(0.5, 2.0))
        >>> mixture = GaussianMixture(17, 17, settings, num_groups=17)
        >>> heatmaps = torch.rand(2, 17, 64, 48)
        >>> mixture(heatmaps, context=heatmaps).shape, mixture.sigmas.shape
        (torch.Size([2, 17, 64, 48]), torch.Size([3]))
    """

    raw_sigmas: Tensor

    def __init__(
        self,
        channels: int,
        context_channels: int,
        settings: MixtureSettings,
        num_groups: int = 1,
        sigma_per_channel: bool = False,
        image_channels: int | None = None,
    ):
        super().__init__()
        if num_groups < 1 or channels % num_groups:
            raise ValueError(
                f'num_groups must divide the {channels} channels to be smoothed, got '
                f'{num_groups}'
            )
        self.channels = channels
        self.num_components = settings.num_components
        self.num_groups = num_groups
        self.min_sigma = settings.min_sigma
        self.truncate = settings.truncate
        self.with_cp = settings.with_cp

        start = torch.tensor(settings.list_start_sigmas(), dtype=torch.float64)
        excess = start - settings.min_sigma
        raw = (excess + torch.log(-torch.expm1(-excess))).float()  # softplus inverse
        if sigma_per_channel:
            raw = raw.repeat(channels, 1)
        if settings.learn_sigmas:
            self.raw_sigmas = nn.Parameter(raw)
        else:
            self.register_buffer('raw_sigmas', raw)
        # One view needs no weights; a convolution whose softmax is always 1 would have
        # no gradient.
        self.weights = (
            MixtureWeights(
                context_channels, num_groups, self.num_components, image_channels
            )
            if settings.mixing == 'softmax' and self.num_components > 1
            else None
        )

    @property
    def sigmas(self) -> Tensor:
        """In cells, (M,) or (C, M), each above `min_sigma`."""
        return self.min_sigma + F.softplus(self.raw_sigmas)

    def init_weights(self) -> None:
        """Called by MMEngine after the parent's `init_cfg`, so that this one counts."""
        if self.weights is not None:
            self.weights.init_weights()

    def forward(
        self, x: Tensor, context: Tensor, image_map: Tensor | None = None
    ) -> Tensor:
        weights = None if self.weights is None else self.weights(context, image_map)
        if self.with_cp and self.training and torch.is_grad_enabled():
            return checkpoint(
                self._mix_views, x, self.sigmas, weights, use_reentrant=False
            )
        return self._mix_views(x, self.sigmas, weights)

    def _mix_views(self, x: Tensor, sigmas: Tensor, weights: Tensor | None) -> Tensor:
        """(B, C, H, W), (M,) or (C, M), (B, G, M, H, W) -> (B, C, H, W)."""
        views = smooth_gaussian(x, sigmas, self.truncate)
        if weights is None:
            return views.mean(dim=2)
        grouped = views.unflatten(1, (self.num_groups, -1))
        # Under autocast softmax answers in float32; the M views stay in theirs.
        weighted = grouped * weights[:, :, None].to(views.dtype)
        return weighted.sum(dim=3).flatten(1, 2)
