"""Heatmaps -> their largest cells, and a quarter cell towards the larger neighbour."""

from typing import NamedTuple

import torch
from torch import Tensor

__all__ = ['Peaks', 'find_peaks', 'refine_quarter', 'take_cells']


class Peaks(NamedTuple):
    """The largest cell of each map, each (N, K).

    Attributes:
        x: column, float32.
        y: row, float32.
        values: of the map there.
    """

    x: Tensor
    y: Tensor
    values: Tensor


def find_peaks(heatmaps: Tensor) -> Peaks:
    """Maps (N, K, H, W) -> peaks; of several the first, as numpy's argmax."""
    width = heatmaps.shape[-1]
    flat = heatmaps.flatten(2)
    index = flat.argmax(2)
    y = torch.div(index, width, rounding_mode='floor')
    return Peaks((index - y * width).float(), y.float(), flat.amax(2))


def take_cells(heatmaps: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """Maps (N, K, H, W), columns and rows (N, K) inside -> values (N, K)."""
    index = (y * heatmaps.shape[-1] + x).long()
    return heatmaps.flatten(2).gather(2, index[..., None])[..., 0]


def refine_quarter(heatmaps: Tensor, peaks: Peaks) -> Tensor:
    """Maps (N, K, H, W) -> offsets [x, y] (N, K, 2), see `ops.heatmap_decoding`."""
    height, width = heatmaps.shape[-2:]
    x, y = peaks.x, peaks.y
    move_x = ((x > 1) & (x < width - 1) & (y > 0)).float()
    move_y = ((y > 1) & (y < height - 1) & (x > 0)).float()
    offsets = []
    for dx, dy in ((move_x, 0), (0, move_y)):
        after = take_cells(heatmaps, x + dx, y + dy)
        before = take_cells(heatmaps, x - dx, y - dy)
        offsets.append(0.25 * ((after > before).float() - (after < before).float()))
    return torch.stack(offsets, -1)
