"""Training data that is checked and seeded, and data that the project makes itself.

`GuardedDataset`, `SeededSampler` and `LoadReadableImage` are added to every training run
(see :mod:`gm_pose.engine.run_guards`); :mod:`gm_pose.datasets.synthetic_people` draws the
embedded dataset.
"""

from gm_pose.datasets.guarded_dataset import GuardedDataset
from gm_pose.datasets.load_readable_image import LoadReadableImage
from gm_pose.datasets.seeded_sampler import SeededSampler

__all__ = ['GuardedDataset', 'LoadReadableImage', 'SeededSampler']
