"""The maths: arrays in, arrays out. Needs numpy; torch only where tensors are given.

Legend: B batch, K keypoints, N maps (B x K), C channels, M mixture components; W, H heatmap
cells; w, h input px. Sizes are [W, H], arrays (..., H, W), positions [x, y].
"""

from gm_pose.ops.aligned_flip import mirror_aligned
from gm_pose.ops.array_types import Array
from gm_pose.ops.batch_targets import BatchTargets
from gm_pose.ops.decode_sigmas import resolve_decode_sigmas
from gm_pose.ops.gaussian_patches import draw_rounded, make_patches
from gm_pose.ops.gaussian_smoothing import make_smoothing_matrix, smooth_gaussian
from gm_pose.ops.gaussian_targets import (
    compute_balance_weights,
    draw_exact,
    draw_legacy_msra,
    make_exact_grid,
)
from gm_pose.ops.heatmap_blur import blur_heatmaps, make_blur
from gm_pose.ops.heatmap_decoding import decode_heatmaps
from gm_pose.ops.oks_sigmas import measure_mean_oks_sigma
from gm_pose.ops.paper_sigmas import SIGMA_TABLES
from gm_pose.ops.sigma_estimation import measure_joints
from gm_pose.ops.sigma_tables import ResolvedSigmas, resolve_sigmas
from gm_pose.ops.skeleton import COCO, Skeleton, average_mirrored
from gm_pose.ops.uncertainty import (
    Calibration,
    Uncertainty,
    average_expected_oks,
    compute_expected_oks,
    compute_tolerances,
    measure_uncertainty,
)

__all__ = [
    'COCO',
    'SIGMA_TABLES',
    'Array',
    'BatchTargets',
    'Calibration',
    'ResolvedSigmas',
    'Skeleton',
    'Uncertainty',
    'average_expected_oks',
    'average_mirrored',
    'blur_heatmaps',
    'compute_balance_weights',
    'compute_expected_oks',
    'compute_tolerances',
    'decode_heatmaps',
    'draw_exact',
    'draw_legacy_msra',
    'draw_rounded',
    'make_blur',
    'make_exact_grid',
    'make_patches',
    'make_smoothing_matrix',
    'measure_joints',
    'measure_mean_oks_sigma',
    'measure_uncertainty',
    'mirror_aligned',
    'resolve_decode_sigmas',
    'resolve_sigmas',
    'smooth_gaussian',
]
