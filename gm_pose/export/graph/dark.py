"""DARK as MMPose's codecs do it, for checkpoints that were trained with them.

Zhang et al., CVPR 2020, arXiv:1910.06278, and its variant of UDP, Huang et al., CVPR 2020,
arXiv:1911.07524: the map is blurred, and one Newton step taken on its logarithm.
"""

import cv2
import numpy as np
import torch
from torch import Tensor, nn

from gm_pose.export.graph.peaks import Peaks, take_cells

__all__ = ['DarkFit']


class DarkFit(nn.Module):
    """Maps (N, K, H, W), peaks -> offsets [x, y] (N, K, 2) in cells.

    Args:
        kernel_size: of the blur, odd, as the codec's `blur_kernel_size`.
        heatmap_size: (W, H).
        of_udp: `refine_keypoints_dark_udp` instead of `refine_keypoints_dark`.
    """

    rows: Tensor
    columns: Tensor

    def __init__(
        self, kernel_size: int, heatmap_size: tuple[int, int], of_udp: bool
    ) -> None:
        super().__init__()
        self.of_udp = of_udp
        kernel = cv2.getGaussianKernel(kernel_size, 0)[:, 0]
        for name, size in zip(('rows', 'columns'), heatmap_size, strict=True):
            distance = np.subtract.outer(np.arange(size), np.arange(size))
            at = (distance + kernel_size // 2).clip(0, kernel_size - 1)
            inside = abs(distance) <= kernel_size // 2
            matrix = np.where(inside, kernel[at], 0).astype(np.float32)
            self.register_buffer(name, torch.from_numpy(matrix))

    def forward(self, heatmaps: Tensor, peaks: Peaks) -> Tensor:
        """See the class."""
        blurred = self.columns @ heatmaps @ self.rows
        largest = blurred.amax((2, 3), keepdim=True)
        growth = peaks.values[..., None, None] / torch.where(
            largest == 0, torch.ones_like(largest), largest
        )
        least, most = (1e-3, 50.0) if self.of_udp else (1e-10, float('inf'))
        logs = torch.log((blurred * growth).clamp(least, most))
        return _step_udp(logs, peaks) if self.of_udp else _step(logs, peaks)


def _read(logs: Tensor, peaks: Peaks, dx: int, dy: int) -> Tensor:
    """Values (N, K) so many cells from the peak; beyond a border the last cell's."""
    height, width = logs.shape[-2:]
    x = (peaks.x + dx).clamp(0, width - 1)
    return take_cells(logs, x, (peaks.y + dy).clamp(0, height - 1))


def _step(logs: Tensor, peaks: Peaks) -> Tensor:
    """Differences over two cells; no step at the two outermost cells of a side."""
    height, width = logs.shape[-2:]

    def at(dx: int, dy: int) -> Tensor:
        return _read(logs, peaks, dx, dy)

    gradient_x, gradient_y = 0.5 * (at(1, 0) - at(-1, 0)), 0.5 * (at(0, 1) - at(0, -1))
    xx = 0.25 * (at(2, 0) - 2 * at(0, 0) + at(-2, 0))
    yy = 0.25 * (at(0, 2) - 2 * at(0, 0) + at(0, -2))
    xy = 0.25 * (at(1, 1) - at(1, -1) - at(-1, 1) + at(-1, -1))
    offset = _solve(xx, xy, yy, gradient_x, gradient_y)
    x, y = peaks.x, peaks.y
    inside = (x > 1) & (x < width - 2) & (y > 1) & (y < height - 2)
    return torch.where(inside[..., None], offset, torch.zeros_like(offset))


def _step_udp(logs: Tensor, peaks: Peaks) -> Tensor:
    """Differences over one cell, at any cell."""

    def at(dx: int, dy: int) -> Tensor:
        return _read(logs, peaks, dx, dy)

    middle = at(0, 0)
    right, left, below, above = at(1, 0), at(-1, 0), at(0, 1), at(0, -1)
    xx, yy = right - 2 * middle + left, below - 2 * middle + above
    corners = at(1, 1) + at(-1, -1)
    xy = 0.5 * (corners - right - below + 2 * middle - left - above)
    epsilon = float(np.finfo(np.float32).eps)
    return _solve(
        xx + epsilon, xy, yy + epsilon, 0.5 * (right - left), 0.5 * (below - above)
    )


def _solve(xx: Tensor, xy: Tensor, yy: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """Hessian and gradient, each (N, K) -> the Newton step (N, K, 2), 0 if singular."""
    determinant = xx * yy - xy * xy
    singular = determinant == 0
    safe = torch.where(singular, torch.ones_like(determinant), determinant)
    step = torch.stack([xy * y - yy * x, xy * x - xx * y], -1) / safe[..., None]
    return torch.where(singular[..., None], torch.zeros_like(step), step)
