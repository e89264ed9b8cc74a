"""A skeleton: joint names, which joints mirror each other, and OKS sigmas."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Skeleton:
    """The joints of one dataset, in the order of its annotation's keypoints.

    Attributes:
        name: the dataset's name, used in messages.
        joint_names: K names.
        mirror: K indices; ``mirror[k]`` is the joint that a horizontal flip turns joint
            k into, k itself for joints on the axis.
        oks_sigmas: K per-joint constants of Object Keypoint Similarity, as fractions of
            sqrt(area), or None where the dataset defines none.
    """

    name: str
    joint_names: tuple[str, ...]
    mirror: tuple[int, ...]
    oks_sigmas: tuple[float, ...] | None = None

    def __len__(self) -> int:
        return len(self.joint_names)


def average_mirrored(
    values: Sequence[float], mirror: Sequence[int]
) -> NDArray[np.float64]:
    """Per-joint values (K,) -> (K,) where a joint and its mirror image share one value.

    A flipped image exchanges left and right, so a table in which they differ would
    contradict itself under flip augmentation: each gets the mean of both. Where `mirror`
    does not lead back after one step, all joints that it connects share their mean.

    Example:
        >>> average_mirrored([1.0, 2.0, 4.0], mirror=[0, 2, 1]).tolist()
        [1.0, 3.0, 3.0]
    """
    table = np.asarray(values, dtype=np.float64)
    partner = np.asarray(mirror, dtype=np.int64)
    group = np.arange(len(table))
    # least index of each connected group; two rounds for left and right
    for _ in range(len(table)):
        joined = group.copy()
        np.minimum.at(joined, partner, group)
        joined = np.minimum(joined, joined[partner])
        if (joined == group).all():
            break
        group = joined
    sums = np.bincount(group, weights=table)
    return (sums / np.maximum(np.bincount(group), 1))[group]


COCO_JOINT_NAMES = (
    'nose',
    'left_eye',
    'right_eye',
    'left_ear',
    'right_ear',
    'left_shoulder',
    'right_shoulder',
    'left_elbow',
    'right_elbow',
    'left_wrist',
    'right_wrist',
    'left_hip',
    'right_hip',
    'left_knee',
    'right_knee',
    'left_ankle',
    'right_ankle',
)

# The 17 joints of COCO keypoints; the sigmas are those of COCO's own evaluation code
# (cocoeval.py, kpt_oks_sigmas).
COCO = Skeleton(
    name='coco',
    joint_names=COCO_JOINT_NAMES,
    mirror=(0, 2, 1, 4, 3, 6, 5, 8, 7, 10, 9, 12, 11, 14, 13, 16, 15),
    oks_sigmas=(
        0.026,
        0.025,
        0.025,
        0.035,
        0.035,
        0.079,
        0.079,
        0.072,
        0.072,
        0.062,
        0.062,
        0.107,
        0.107,
        0.087,
        0.087,
        0.089,
        0.089,
    ),
)

# dataset name or metainfo path -> Skeleton
SkeletonLoader = Callable[[str], Skeleton]


def load_coco(dataset: str) -> Skeleton:
    """The skeleton named 'coco', without MMPose.

    Raises:
        ValueError: another name.
    """
    if dataset != COCO.name:
        raise ValueError(
            f'dataset is {dataset!r}; expected {COCO.name!r}. Fix: for other skeletons '
            'pass load_skeleton=gm_pose.codecs.load_skeleton'
        )
    return COCO
