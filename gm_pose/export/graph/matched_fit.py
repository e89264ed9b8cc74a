"""Each joint's own Gaussian, fitted around its peak: `gm_pose.ops.matched_fit`'s maths.

There windows are cut and stand beside each other, which is fast in numpy. Here cells
outside the window weigh nothing, and a profile is one product of matrices over the whole
map: the same sums without an index that depends on the values.
"""

import torch
from torch import Tensor, nn

from gm_pose.export.graph.peaks import Peaks
from gm_pose.ops.matched_fit import (
    TEMPLATE_RATE,
    WEIGHT_RATE,
    choose_side,
    list_fit_sigmas,
)

__all__ = ['MatchedFit']


class MatchedFit(nn.Module):
    """Maps (N, K, H, W), peaks -> offsets [x, y] (N, K, 2) in cells.

    Args:
        sigmas_cells: K, or 1 for all joints.
        heatmap_size: (W, H).
    """

    limit: Tensor
    inverse: Tensor
    sigmas: Tensor
    ratio_limit: Tensor

    def __init__(
        self, sigmas_cells: tuple[float, ...], heatmap_size: tuple[int, int]
    ) -> None:
        super().__init__()
        fit = list_fit_sigmas(sigmas_cells, len(sigmas_cells))
        for name, values in fit._asdict().items():
            self.register_buffer(name, torch.from_numpy(values.copy()))
        self.sides = tuple(min(choose_side(sigmas_cells), n) for n in heatmap_size)
        self.radius = choose_side(sigmas_cells) // 2

    def forward(self, heatmaps: Tensor, peaks: Peaks) -> Tensor:
        """See the class; a fall far below zero counts no more than the peak itself."""
        maps = torch.maximum(heatmaps, -peaks.values[..., None, None])
        height, width = maps.shape[-2:]
        x = self._list_cells(peaks.x, width, self.sides[0])
        y = self._list_cells(peaks.y, height, self.sides[1])
        first_x, first_y = self._step(maps, x, y)
        first = torch.stack([first_x, first_y], -1)
        limit, ratio_limit = self.limit[:, None], self.ratio_limit[:, None]
        first = torch.minimum(torch.maximum(first, -limit), limit)
        x = (x[0] - first[..., 0, None], x[1])
        y = (y[0] - first[..., 1, None], y[1])
        second = torch.stack(self._step(maps, x, y), -1)
        still = first == 0
        ratio = second / torch.where(still, torch.ones_like(first), first)
        ratio = torch.minimum(torch.maximum(ratio, -ratio_limit), ratio_limit)
        offset = first + second / (1 - ratio)
        offset = torch.minimum(torch.maximum(offset, -limit), limit)
        # where the first step is 0, so is the second
        return (
            torch.where(still, torch.zeros_like(offset), offset) * self.sigmas[:, None]
        )

    def _list_cells(self, peak: Tensor, size: int, side: int) -> tuple[Tensor, Tensor]:
        """Peaks (N, K) -> sigmas to each cell of an axis, 1 where it is in the window."""
        cells = torch.arange(size, dtype=torch.float32)
        start = (peak - self.radius).clamp(0, size - side)[..., None]
        inside = ((cells >= start) & (cells < start + side)).float()
        return (cells - peak[..., None]) * self.inverse[:, None], inside

    def _step(
        self, maps: Tensor, x: tuple[Tensor, Tensor], y: tuple[Tensor, Tensor]
    ) -> tuple[Tensor, Tensor]:
        """Distances in sigmas and windows, (N, K, W) and (N, K, H) -> a step along each."""
        weights_x = torch.exp(x[0] * x[0] * WEIGHT_RATE) * x[1]
        weights_y = torch.exp(y[0] * y[0] * WEIGHT_RATE) * y[1]
        profile_x = (weights_y[:, :, None] @ maps)[:, :, 0] * weights_x
        profile_y = (maps @ weights_x[..., None])[..., 0] * weights_y
        return _move(profile_x, *x), _move(profile_y, *y)


def _move(profile: Tensor, distances: Tensor, inside: Tensor) -> Tensor:
    """Weighted profile (N, K, n) -> the Gauss-Newton step (N, K) in sigmas."""
    amplitude = profile.sum(-1)
    is_positive = amplitude > 0
    safe = torch.where(is_positive, amplitude, torch.ones_like(amplitude))
    template = torch.exp(distances * distances * TEMPLATE_RATE) * inside
    total = template.sum(-1)
    mean = (template * distances).sum(-1) / total
    variance = (template * distances * distances).sum(-1) / total - mean * mean
    step = ((profile * distances).sum(-1) / safe - mean) / variance
    return torch.where(is_positive, step, torch.zeros_like(step))
