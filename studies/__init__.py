"""The study behind the recommended settings; importing it registers its MMPose parts."""

from studies.cached_load_image import CachedLoadImage
from studies.efficientnet_lite0 import EfficientNetLite0
from studies.epoch_seed_hook import EpochSeedHook

__all__ = ['CachedLoadImage', 'EfficientNetLite0', 'EpochSeedHook']
