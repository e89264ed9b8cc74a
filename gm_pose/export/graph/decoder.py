"""Heatmaps -> joints in cells and their scores, as the model's codec decodes them."""

import torch
from torch import Tensor, nn

from gm_pose.export.codec_settings import CodecSettings
from gm_pose.export.graph.dark import DarkFit
from gm_pose.export.graph.matched_fit import MatchedFit
from gm_pose.export.graph.peaks import find_peaks, refine_quarter
from gm_pose.ops.heatmap_blur import Blur

__all__ = ['Decoder']

LARGEST = 3e38  # infinity and NaN are no peak, and float32 ends here


class Decoder(nn.Module):
    """Maps (N, K, H, W) -> positions (N, K, 2) [x, y] in cells, scores (N, K).

    A map without a positive, finite peak has its joint at (-1, -1), as
    `gm_pose.ops.decode_heatmaps` and MMPose mark it.

    Args:
        settings: of the codec.
        joint_count: K.
    """

    columns: Tensor
    rows: Tensor

    def __init__(self, settings: CodecSettings, joint_count: int) -> None:
        super().__init__()
        size = settings.heatmap_size
        self.fit: MatchedFit | DarkFit | None = None
        if settings.refinement == 'matched':
            self.fit = MatchedFit(settings.decode_sigmas_cells, size)
        elif settings.refinement != 'quarter':
            of_udp = settings.refinement == 'dark_udp'
            self.fit = DarkFit(settings.blur_kernel_size, size, of_udp)
        self.is_blurred = settings.blur is not None
        if settings.blur is not None:
            columns, rows = list_factors(settings.blur, joint_count, size)
            self.register_buffer('columns', columns)
            self.register_buffer('rows', rows)

    def forward(self, heatmaps: Tensor) -> tuple[Tensor, Tensor]:
        """See the class."""
        if self.is_blurred:
            heatmaps = self.columns @ heatmaps @ self.rows
        peaks = find_peaks(heatmaps)
        if self.fit is None:
            offsets = refine_quarter(heatmaps, peaks)
        else:
            offsets = self.fit(heatmaps, peaks)
        positions = torch.stack([peaks.x, peaks.y], -1) + offsets
        found = (peaks.values > 0) & (peaks.values < LARGEST)
        scores = torch.where(
            found | (peaks.values <= 0), peaks.values, torch.zeros_like(peaks.values)
        )
        lost = torch.full_like(positions, -1.0)
        return torch.where(found[..., None], positions, lost), scores


def list_factors(
    blur: Blur, joint_count: int, heatmap_size: tuple[int, int]
) -> tuple[Tensor, Tensor]:
    """Blur of some joints -> factors (K, H, H), (K, W, W); of the others the identity."""
    columns, rows = torch.from_numpy(blur.columns), torch.from_numpy(blur.rows)
    if blur.joints is None:
        return columns.clone(), rows.clone()
    width, height = heatmap_size
    every_column = torch.eye(height).repeat(joint_count, 1, 1)
    every_row = torch.eye(width).repeat(joint_count, 1, 1)
    joints = torch.from_numpy(blur.joints)
    every_column[joints], every_row[joints] = columns, rows
    return every_column, every_row
