"""A codec's `decode_sigmas` argument -> the sigma at which each joint's map is read."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from gm_pose.ops.sigma_tables import ResolvedSigmas, resolve_sigmas
from gm_pose.ops.skeleton import SkeletonLoader, load_coco


def resolve_decode_sigmas(
    decode_sigmas: Any,
    sigmas: Any,
    targets: ResolvedSigmas,
    heatmap_size: tuple[int, int],
    dataset: str | None,
    load_skeleton: SkeletonLoader = load_coco,
) -> ResolvedSigmas:
    """A codec's two arguments -> sigmas to read maps at, none below the targets' sigmas.

    Args:
        decode_sigmas: see `JointAdaptiveMSRAHeatmap`.
        sigmas: the codec's other argument, for the skeleton it may name.
        targets: what `sigmas` resolved to.
        heatmap_size: [W, H] in cells.
        dataset: the codec's.
        load_skeleton: dataset name or metainfo path -> Skeleton.

    Raises:
        ValueError: not a table; one of other joints than `sigmas`; none of its sigmas is
            above the target's; one is above the map's longer side.

    Example:
        >>> targets = resolve_sigmas([1.0, 2.0], (48, 64))
        >>> found = resolve_decode_sigmas(1.5, None, targets, (48, 64), None)
        >>> print(found.cells)
        [1.5 2. ]
    """
    if dataset is None and isinstance(sigmas, Mapping):
        dataset = sigmas.get('oks')
    try:
        read = resolve_sigmas(decode_sigmas, heatmap_size, dataset, load_skeleton)
    except ValueError as error:
        raise ValueError(f'decode_sigmas: {error}') from error
    if read.cells.max() > max(heatmap_size):
        raise ValueError(
            f'decode_sigmas={decode_sigmas!r} has a sigma of {read.cells.max():g} cells, '
            f'more than the map of {tuple(heatmap_size)} has'
        )
    names, own = read.joint_names, targets.joint_names
    if (names and own and names != own) or (
        not (targets.is_uniform or read.is_uniform)
        and len(read.cells) != len(targets.cells)
    ):
        raise ValueError(
            f'decode_sigmas has {len(read.cells)} sigmas for {_list(names)} and sigmas '
            f'has {len(targets.cells)} for {_list(own)}: both must be of the same joints'
        )
    if not (read.cells > targets.cells).any():
        raise ValueError(
            f'decode_sigmas={decode_sigmas!r} is above the sigma of no joint, and a map '
            'cannot be made sharper: give larger ones, or leave decode_sigmas out'
        )
    return ResolvedSigmas(
        np.maximum(read.cells, targets.cells),
        own or names,
        is_uniform=targets.is_uniform and read.is_uniform,
    )


def _list(names: tuple[str, ...] | None) -> str:
    return f'{names[0]}, ..., {names[-1]}' if names else 'joints without names'
