"""The study behind the recommended settings; importing it registers its MMPose parts."""

import gm_pose  # noqa: F401  prepares the stack before mmpose is imported
from studies.training.cached_load_image import CachedLoadImage
from studies.training.efficientnet_lite0 import EfficientNetLite0
from studies.training.epoch_seed_hook import EpochSeedHook
from studies.variants.foot_heatmap import FootHeatmap
from studies.variants.learned_sigma_head import LearnedSigmaHead
from studies.variants.losses import (
    ExpectedOKSLoss,
    HeatmapDivergenceLoss,
    HeatmapLossSum,
    PositionOKSLoss,
)
from studies.variants.narrow_wide_head import NarrowWideHead
from studies.variants.person_heatmap import PersonHeatmap
from studies.variants.position_heatmap import PositionHeatmap
from studies.variants.probability_head import ProbabilityHead
from studies.variants.scale_map_head import ScaleMapHead
from studies.variants.sigma_annealing_hook import SigmaAnnealingHook

__all__ = [
    'CachedLoadImage',
    'EfficientNetLite0',
    'EpochSeedHook',
    'ExpectedOKSLoss',
    'FootHeatmap',
    'HeatmapDivergenceLoss',
    'HeatmapLossSum',
    'LearnedSigmaHead',
    'NarrowWideHead',
    'PersonHeatmap',
    'PositionHeatmap',
    'PositionOKSLoss',
    'ProbabilityHead',
    'ScaleMapHead',
    'SigmaAnnealingHook',
]
