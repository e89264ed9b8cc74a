"""Faults of the joints: their number, names, flip pairs, coordinates, visibilities."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from gm_pose.runs.data_checks.finding import Finding
from gm_pose.runs.data_checks.tables import to_array, to_image_sizes

__all__ = ['check_definition', 'check_keypoints', 'mirror_name']

CROSSED = 0.25
"""Shoulders and hips count as crossed if both pairs' x differences have opposite signs
and exceed this fraction of the box width: no body turns that far."""


def check_definition(
    own_names: list[str],
    num_keypoints: int,
    people: list[dict],
    names: Sequence[str] | None,
    flip_pairs: Sequence[tuple[int, int]] | None,
) -> list[Finding]:
    """Compare the number of joints, their names and their flip pairs with the config's."""
    wrong = [
        p['id']
        for p in people
        if (found := p.get('keypoints')) is not None
        and not (isinstance(found, list) and len(found) == 3 * num_keypoints)
    ]
    count = Finding(
        f'people whose number of keypoints is not {num_keypoints}',
        'training stops',
        True,
    ).add(wrong)
    order = Finding('joints whose name is not the config\'s', 'a joint is taken for '
                    'another', True)  # fmt: skip
    if names is not None and len(own_names) == len(names):
        order.add(
            [f'{k}: {a} in the file, {b} in the config'
             for k, (a, b) in enumerate(zip(own_names, names, strict=True)) if a != b],
            'joint',
        )  # fmt: skip
    swapped = Finding(
        'flip pairs that are no left and right',
        'mirrored images train wrong joints',
        True,
    )
    labels = own_names or list(names or [])
    mirror = {k: k for k in range(len(labels))}
    for a, b in flip_pairs or []:
        mirror[a], mirror[b] = b, a
    comparable = flip_pairs is not None and len(labels) == num_keypoints
    if comparable:
        for k, label in enumerate(labels):
            partner = mirror_name(label)
            if partner in labels and mirror[k] != labels.index(partner):
                swapped.add([f'{label} with {labels[mirror[k]]}'], 'joint')
    comparable_names = names is not None and len(own_names) == len(names)
    compared = [order] if comparable_names else []
    return [count, *compared, *([swapped] if comparable else [])]


def mirror_name(name: str) -> str:
    """left_x <-> right_x; other names stay."""
    return name.replace('left', '\0').replace('right', 'left').replace('\0', 'right')


def check_keypoints(
    people: list[dict], images: dict, num_keypoints: int, names: list[str]
) -> list[Finding]:
    """Check the coordinates and visibilities of people with K joints each."""
    ids = np.array([p['id'] for p in people], dtype=object)
    array = to_array([p['keypoints'] for p in people], 3 * num_keypoints)
    array = array.reshape(len(people), num_keypoints, 3)
    points, visible = array[..., :2], array[..., 2]
    size = to_image_sizes(people, images)[:, None]
    broken = ~np.isfinite(array).all((1, 2)) if len(people) else np.zeros(0, bool)
    with np.errstate(invalid='ignore'):
        labelled = visible > 0
        out = labelled & ((points < 0) | (points > size)).any(2)
        odd = ~np.isin(visible, (0, 1, 2)) & np.isfinite(visible)
    counted = [p.get('num_keypoints') for p in people]
    wrong_count = [
        p['id']
        for p, told, seen in zip(people, counted, labelled.sum(1), strict=True)
        if told is not None and told != seen
    ]
    outside = Finding(
        'labelled joints outside the image', 'their targets are cut', False
    )
    outside.add(ids[out.any(1)] if len(people) else [])
    outside.count = int(out.sum())
    return [
        Finding('people with NaN or infinite keypoints', 'training stops', True)
        .add(ids[broken]),
        Finding('people with visibilities that are not 0, 1 or 2',
                'a negative one switches the joint off, others weigh it', True)
        .add(ids[odd.any(1)] if len(people) else []),
        outside,
        Finding('people whose num_keypoints is not their number of labelled joints',
                'with 0, MMPose drops the person', False).add(wrong_count),
        _check_crossed(people, ids, points, labelled, names),
    ]  # fmt: skip


def _check_crossed(
    people: list[dict],
    ids: np.ndarray,
    points: np.ndarray,
    labelled: np.ndarray,
    names: list[str],
) -> Finding:
    finding = Finding(
        'people whose shoulders and hips are crossed',
        'left and right may be swapped',
        False,
    )
    wanted = ['left_shoulder', 'right_shoulder', 'left_hip', 'right_hip']
    if not people or any(name not in names for name in wanted):
        return finding
    at = [names.index(name) for name in wanted]
    if max(at) >= points.shape[1]:
        return finding
    width = to_array([p.get('bbox', [0] * 4) for p in people], 4)[:, 2]
    with np.errstate(invalid='ignore', divide='ignore'):
        shoulders = (points[:, at[0], 0] - points[:, at[1], 0]) / width
        hips = (points[:, at[2], 0] - points[:, at[3], 0]) / width
        crossed = (shoulders * hips < 0) & (
            np.minimum(abs(shoulders), abs(hips)) > CROSSED
        )
    return finding.add(ids[crossed & labelled[:, at].all(1)])
