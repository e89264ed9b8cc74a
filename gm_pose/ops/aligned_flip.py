"""Mirroring a picture so that its heatmaps, mirrored back, fit cell for cell (torch)."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


def mirror_aligned(inputs: 'Tensor', stride: int) -> 'Tensor':
    """Pictures (B, C, h, w) -> mirrored left to right, moved `stride - 1` px left.

    Where cell c of a heatmap stands for input px ``s c``, a joint at px x lies at cell
    ``x / s`` and in the mirrored picture at px ``w - 1 - x``. Its map, mirrored back, has
    it at ``W - 1 - (w - 1 - x) / s = x / s - (s - 1) / s``: (s - 1) / s of a cell too far
    left, for every x. Moving the mirrored picture by s - 1 px takes that away, and being
    a whole number of px it interpolates nothing.

    The s - 1 columns that come in on the right repeat the mirrored picture's last column
    (the original's first). The s - 1 that leave, the original's last, are not seen.

    Args:
        inputs: pictures (B, C, h, w), w above `stride - 1`.
        stride: s, input px per heatmap cell along x, at least 1.

    Raises:
        ValueError: `stride` is below 1 or above w.

    Example:
        >>> import torch
        >>> mirror_aligned(torch.tensor([[[[1, 2, 3, 4, 5]]]]), stride=3).tolist()
        [[[[3, 2, 1, 1, 1]]]]
    """
    import torch

    width = inputs.shape[-1]
    if not 1 <= stride <= width:
        raise ValueError(
            f'stride must be between 1 and the width of {width} px, got {stride}'
        )
    mirrored = inputs.flip(-1)
    if stride == 1:
        return mirrored
    border = mirrored[..., -1:].expand(*mirrored.shape[:-1], stride - 1)
    return torch.cat([mirrored[..., stride - 1 :], border], dim=-1)
