"""The study behind the recommended settings; importing it registers its MMPose parts."""

import gm_pose  # noqa: F401  prepares the stack before mmpose is imported
from studies.cached_load_image import CachedLoadImage
from studies.efficientnet_lite0 import EfficientNetLite0
from studies.epoch_seed_hook import EpochSeedHook
from studies.learned_sigma_head import LearnedSigmaHead
from studies.position_heatmap import PositionHeatmap
from studies.scale_map_head import ScaleMapHead
from studies.sigma_annealing_hook import SigmaAnnealingHook

__all__ = [
    'CachedLoadImage',
    'EfficientNetLite0',
    'EpochSeedHook',
    'LearnedSigmaHead',
    'PositionHeatmap',
    'ScaleMapHead',
    'SigmaAnnealingHook',
]
