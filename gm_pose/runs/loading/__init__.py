"""Training samples that are seeded one by one, and images that name what is wrong."""

from gm_pose.runs.loading.guarded_dataset import GuardedDataset
from gm_pose.runs.loading.load_readable_image import LoadReadableImage
from gm_pose.runs.loading.seeded_dataset import SeededDataset
from gm_pose.runs.loading.seeded_sampler import SeededSampler

__all__ = ['GuardedDataset', 'LoadReadableImage', 'SeededDataset', 'SeededSampler']
