"""Heatmaps without and with flip test, and how far the flipped map is off.

This codec puts cell c at input px ``s c`` (s = input / heatmap size), as MSRAHeatmap does.
Mirroring moves a joint from px x to ``w - 1 - x``; the map of the mirrored picture,
mirrored back, has it at ``W - 1 - (w - 1 - x) / s = x / s - (s - 1) / s``: (s - 1) / s of a
cell too far left, half a cell at s = 2, three quarters at s = 4. MMPose's `shift_heatmap`
moves it one whole cell right. Neither 0 nor 1 is right for any s but 1; both bias the mean
of the two maps. Moving the mirrored *picture* s - 1 px to the left is right, and
interpolates nothing.
"""

from typing import Any

import torch
from mmpose.models.utils.tta import flip_heatmaps
from torch import Tensor

# name -> what it is
FLIP_TESTS = {
    'plain': 'no flip test',
    'flip': 'flip test, mirrored picture moved by s - 1 px',
    'flip_shift1': "MMPose's flip test, shift_heatmap=True",
    'flip_shift0': "MMPose's flip test, shift_heatmap=False",
}


def mirror_aligned(inputs: Tensor, stride: int) -> Tensor:
    """Pictures (B, C, h, w) -> mirrored, moved `stride - 1` px left, border repeated."""
    mirrored = inputs.flip(-1)
    if stride == 1:
        return mirrored
    border = mirrored[..., -1:].expand(*mirrored.shape[:-1], stride - 1)
    return torch.cat([mirrored[..., stride - 1 :], border], dim=-1)


def predict_heatmaps(
    model: Any, inputs: Tensor, flip_indices: list[int], stride: int
) -> dict[str, Tensor]:
    """Prepared pictures (B, 3, h, w) -> maps (B, K, H, W) for each of `FLIP_TESTS`.

    Args:
        model: an MMPose TopdownPoseEstimator in eval mode.
        inputs: what its data_preprocessor gives.
        flip_indices: the joint that mirroring turns each joint into.
        stride: input px per heatmap cell.
    """
    plain = model(inputs, None, mode='tensor')
    mirrored = model(inputs.flip(-1), None, mode='tensor')
    aligned = model(mirror_aligned(inputs, stride), None, mode='tensor')
    maps = {'plain': plain}
    for name, flipped, shift in (
        ('flip', aligned, False),
        ('flip_shift1', mirrored, True),
        ('flip_shift0', mirrored, False),
    ):
        back = flip_heatmaps(flipped, flip_indices, 'heatmap', shift)
        maps[name] = (plain + back) * 0.5
    return maps
