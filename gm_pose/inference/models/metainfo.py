"""MMPose's dataset metainfo, as a checkpoint carries it -> names, skeleton."""

from collections.abc import Mapping
from typing import Any

from gm_pose.ops.skeleton import Skeleton

__all__ = ['make_skeleton', 'read_names', 'read_sigmas']


def make_skeleton(metainfo: Mapping[str, Any]) -> Skeleton:
    """Parsed metainfo -> skeleton, for tables of sigmas that refer to its joints."""
    sigmas = metainfo.get('sigmas')
    return Skeleton(
        name=str(metainfo.get('dataset_name', '')),
        joint_names=read_names(metainfo),
        mirror=tuple(int(k) for k in metainfo['flip_indices']),
        oks_sigmas=None if sigmas is None else read_sigmas(sigmas),
    )


def read_names(metainfo: Mapping[str, Any]) -> tuple[str, ...]:
    """Parsed metainfo -> names of the joints, in order."""
    by_id = metainfo['keypoint_id2name']
    if sorted(by_id) != list(range(len(by_id))):
        raise ValueError(f'keypoint_id2name has the keys {sorted(by_id)[:5]}')
    return tuple(str(by_id[k]) for k in range(len(by_id)))


def read_sigmas(sigmas: Any) -> tuple[float, ...]:
    """MMPose keeps them as float32: 0.026 would be 0.026000000536."""
    return tuple(round(float(sigma), 7) for sigma in sigmas)
