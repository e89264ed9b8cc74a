"""The maths: arrays in, arrays out. Needs numpy; torch only where tensors are given.

Legend: B batch, K keypoints, M mixture components; W, H heatmap cells; w, h input px.
Sizes are [W, H], arrays (..., H, W), positions [x, y].
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from gm_pose.ops.gaussian_patches import draw_rounded, make_patches
from gm_pose.ops.gaussian_targets import (
    compute_balance_weights,
    draw_exact,
    draw_legacy_msra,
    make_exact_grid,
)
from gm_pose.ops.heatmap_decoding import decode_heatmaps
from gm_pose.ops.oks_sigmas import measure_mean_oks_sigma
from gm_pose.ops.sigma_estimation import measure_joints
from gm_pose.ops.sigma_tables import SIGMA_TABLES, ResolvedSigmas, resolve_sigmas
from gm_pose.ops.skeleton import COCO, Skeleton, average_mirrored

if TYPE_CHECKING:
    from gm_pose.ops.aligned_flip import mirror_aligned
    from gm_pose.ops.gaussian_smoothing import make_smoothing_matrix, smooth_gaussian

# Functions of tensors, loaded when they are first used: their modules import torch.
_OF_TENSORS = {
    'make_smoothing_matrix': 'gm_pose.ops.gaussian_smoothing',
    'mirror_aligned': 'gm_pose.ops.aligned_flip',
    'smooth_gaussian': 'gm_pose.ops.gaussian_smoothing',
}

__all__ = [
    'COCO',
    'SIGMA_TABLES',
    'ResolvedSigmas',
    'Skeleton',
    'average_mirrored',
    'compute_balance_weights',
    'decode_heatmaps',
    'draw_exact',
    'draw_legacy_msra',
    'draw_rounded',
    'make_exact_grid',
    'make_patches',
    'make_smoothing_matrix',
    'measure_joints',
    'measure_mean_oks_sigma',
    'mirror_aligned',
    'resolve_sigmas',
    'smooth_gaussian',
]


def __getattr__(name: str) -> Any:
    if name not in _OF_TENSORS:
        raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
    return getattr(import_module(_OF_TENSORS[name]), name)
