"""The sides and halves of a dataset's keypoints."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from gm_pose.ops.augmented_crops import BodySides

__all__ = ['read_sides']


def read_sides(metainfo: Mapping[str, Any]) -> BodySides:
    """A dataset's metainfo -> which keypoints mirror which, upper and lower half."""
    halves = []
    for name in ('upper_body_ids', 'lower_body_ids'):
        half = np.zeros(metainfo['num_keypoints'], dtype=bool)
        half[list(metainfo[name])] = True
        halves.append(half)
    return BodySides(np.array(metainfo['flip_indices'], np.int64), *halves)
