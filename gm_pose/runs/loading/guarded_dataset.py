"""The old name of `SeededDataset`, for one version."""

import warnings
from typing import Any

from mmpose.registry import DATASETS

from gm_pose.runs.loading.seeded_dataset import SeededDataset


@DATASETS.register_module()
class GuardedDataset(SeededDataset):
    """`SeededDataset`, with a DeprecationWarning."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        warnings.warn(
            'GuardedDataset is deprecated and goes in version 0.3: use SeededDataset',
            DeprecationWarning,
            stacklevel=2,
        )
        super().__init__(*args, **kwargs)
