"""A codec's `decode_sigmas` argument -> the width at which each joint's map is read."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from gm_pose.ops.sigma_tables import (
    ResolvedSigmas,
    SkeletonLoader,
    resolve_sigmas,
)


def resolve_decode_sigmas(
    decode_sigmas: Any,
    sigmas: Any,
    targets: ResolvedSigmas,
    heatmap_size: tuple[int, int],
    dataset: str | None,
    load_skeleton: SkeletonLoader,
) -> ResolvedSigmas:
    """Both arguments of a codec, the second resolved -> its widths, none below its sigmas.

    Args:
        decode_sigmas: see `JointAdaptiveMSRAHeatmap`.
        sigmas: the codec's other argument, for the skeleton it may name.
        targets: what `sigmas` resolved to.
        heatmap_size: [W, H] in cells.
        dataset: the codec's.
        load_skeleton: dataset name or metainfo path -> Skeleton.

    Raises:
        ValueError: not a table; one of other joints than `sigmas`; widths of which none is
            above its sigma, or one is above the map's longer side.
    """
    if dataset is None and isinstance(sigmas, Mapping):
        dataset = sigmas.get('oks')
    try:
        widths = resolve_sigmas(decode_sigmas, heatmap_size, dataset, load_skeleton)
    except ValueError as error:
        raise ValueError(f'decode_sigmas: {error}') from error
    if widths.cells.max() > max(heatmap_size):
        raise ValueError(
            f'decode_sigmas={decode_sigmas!r} has a width of {widths.cells.max():g} cells, '
            f'more than the map of {tuple(heatmap_size)} has'
        )
    names, own = widths.joint_names, targets.joint_names
    if (names and own and names != own) or (
        not (targets.is_uniform or widths.is_uniform)
        and len(widths.cells) != len(targets.cells)
    ):
        raise ValueError(
            f'decode_sigmas has {len(widths.cells)} widths for {_list(names)} and sigmas '
            f'has {len(targets.cells)} for {_list(own)}: both must be of the same joints'
        )
    if not (widths.cells > targets.cells).any():
        raise ValueError(
            f'decode_sigmas={decode_sigmas!r} is above the sigma of no joint, and a map '
            'cannot be made sharper: give wider ones, or leave decode_sigmas out'
        )
    return ResolvedSigmas(
        np.maximum(widths.cells, targets.cells),
        own or names,
        is_uniform=targets.is_uniform and widths.is_uniform,
    )


def _list(names: tuple[str, ...] | None) -> str:
    return f'{names[0]}, ..., {names[-1]}' if names else 'joints without names'
