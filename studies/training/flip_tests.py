"""Heatmaps without and with flip test, and how far the flipped map is off.

The aligned one is the package's own, see `gm_pose.ops.aligned_flip`; MMPose's two are
off by (s - 1) / s of a cell one way and by 1 / s the other, s being input px per cell.
"""

from typing import Any

from mmpose.models.utils.tta import flip_heatmaps
from torch import Tensor

from gm_pose.ops.aligned_flip import mirror_aligned

# name -> what it is
FLIP_TESTS = {
    'plain': 'no flip test',
    'flip': 'flip test, mirrored picture moved by s - 1 px',
    'flip_shift1': "MMPose's flip test, shift_heatmap=True",
    'flip_shift0': "MMPose's flip test, shift_heatmap=False",
}


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
