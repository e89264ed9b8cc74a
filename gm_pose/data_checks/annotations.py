"""Faults of an annotation file, found with arrays over all people at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from gm_pose.data_checks.finding import Finding

__all__ = ['check_annotations', 'get_joint_names']

CROSSED = 0.25
"""Shoulders and hips count as crossed if both pairs' x differences have opposite signs
and exceed this fraction of the box width: no body turns that far."""


def get_joint_names(data: dict) -> list[str]:
    """Names of the first category that has any, or an empty list."""
    for category in data.get('categories') or []:
        if category.get('keypoints'):
            return [str(name) for name in category['keypoints']]
    return []


def check_annotations(
    data: dict,
    num_keypoints: int | None = None,
    names: Sequence[str] | None = None,
    flip_pairs: Sequence[tuple[int, int]] | None = None,
) -> list[Finding]:
    """Check a COCO keypoint file's content.

    Args:
        data: the file, with lists ``images`` and ``annotations``.
        num_keypoints: K of the config; by default that of the file's category, or of
            most annotations.
        names: the config's K joint names, compared with the file's.
        flip_pairs: the config's pairs of joints that change places in a mirrored image.

    Returns:
        One finding for each kind of fault, counts of 0 included.
    """
    images = {image['id']: image for image in data['images']}
    people = data['annotations']
    known = [p for p in people if p['image_id'] in images]
    with_keypoints = [p for p in known if isinstance(p.get('keypoints'), list)]
    own_names = get_joint_names(data)
    lengths = Counter(len(p['keypoints']) for p in with_keypoints)
    if num_keypoints is None and own_names:
        num_keypoints = len(own_names)
    elif num_keypoints is None:
        num_keypoints = lengths.most_common(1)[0][0] // 3 if lengths else 0
    right = [p for p in with_keypoints if len(p['keypoints']) == 3 * num_keypoints]
    return [
        *_check_ids(data, people, images),
        *_check_boxes(known, images),
        _check_areas(known),
        *_check_definition(own_names, num_keypoints, with_keypoints, names, flip_pairs),
        *_check_keypoints(right, images, num_keypoints, own_names or list(names or [])),
        *_check_dropped(known),
    ]


def _repeated(ids: list[Any]) -> list[Any]:
    return [key for key, count in Counter(ids).items() if count > 1]


def _check_ids(data: dict, people: list[dict], images: dict) -> list[Finding]:
    lost = [p['id'] for p in people if p['image_id'] not in images]
    return [
        Finding('duplicated annotation ids', 'one hides the other', True).add(
            _repeated([p['id'] for p in people])
        ),
        Finding('duplicated image ids', 'one hides the other', True).add(
            _repeated([image['id'] for image in data['images']]), 'image'
        ),
        Finding('annotations of unknown images', 'MMPose stops', True).add(lost),
    ]


def _to_array(values: list[Any], width: int) -> np.ndarray:
    """Rows of numbers -> (N, width); a row of another kind becomes NaN."""
    try:
        array = np.array(values, dtype=np.float64)
        if array.shape == (len(values), width):
            return array
    except (TypeError, ValueError):
        pass
    array = np.full((len(values), width), np.nan)
    for index, row in enumerate(values):
        try:
            array[index] = row
        except (TypeError, ValueError):
            continue
    return array


def _check_boxes(people: list[dict], images: dict) -> list[Finding]:
    boxed = [p for p in people if 'bbox' in p]
    ids = np.array([p['id'] for p in boxed], dtype=object)
    box = _to_array([p['bbox'] for p in boxed], 4).reshape(-1, 4)
    size = _to_array(
        [
            [images[p['image_id']].get(key) for key in ('width', 'height')]
            for p in boxed
        ],
        2,
    ).reshape(-1, 2)
    finite = np.isfinite(box).all(1)
    empty = finite & (box[:, 2:] <= 0).any(1)
    corner, end = box[:, :2], box[:, :2] + box[:, 2:]
    with np.errstate(invalid='ignore'):
        outside = finite & ~empty & ((corner >= size - 1) | (end <= 0)).any(1)
        # COCO rounds to 0.01 px, and its masks may end one px beyond
        beyond = finite & ((corner < -1) | (end > size + 1)).any(1) & ~outside & ~empty
    return [
        Finding('boxes with NaN or infinity, or no four numbers', 'training stops', True)
        .add(ids[~finite]),
        Finding('boxes of no size', 'MMPose drops the person silently', True)
        .add(ids[empty]),
        Finding('boxes outside the image', 'MMPose drops the person silently', True)
        .add(ids[outside]),
        Finding('boxes partly outside the image', 'MMPose clips them', False)
        .add(ids[beyond]),
    ]  # fmt: skip


def _check_areas(people: list[dict]) -> Finding:
    bad = []
    for person in people:
        if person.get('keypoints') is None or 'area' not in person:
            continue  # MMPose makes one from the box
        area = person['area']
        if not isinstance(area, (int, float)) or not 0 < area < float('inf'):
            bad.append(person['id'])
    return Finding('areas of 0 or no number', 'their OKS is 0: AP falls', True).add(bad)


def _check_definition(
    own_names: list[str],
    num_keypoints: int,
    people: list[dict],
    names: Sequence[str] | None,
    flip_pairs: Sequence[tuple[int, int]] | None,
) -> list[Finding]:
    wrong = [p['id'] for p in people if len(p['keypoints']) != 3 * num_keypoints]
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
            partner = _mirror_name(label)
            if partner in labels and mirror[k] != labels.index(partner):
                swapped.add([f'{label} with {labels[mirror[k]]}'], 'joint')
    comparable_names = names is not None and len(own_names) == len(names)
    compared = [order] if comparable_names else []
    return [count, *compared, *([swapped] if comparable else [])]


def _mirror_name(name: str) -> str:
    """left_x <-> right_x; other names stay."""
    return name.replace('left', '\0').replace('right', 'left').replace('\0', 'right')


def _check_keypoints(
    people: list[dict], images: dict, num_keypoints: int, names: list[str]
) -> list[Finding]:
    ids = np.array([p['id'] for p in people], dtype=object)
    array = _to_array([p['keypoints'] for p in people], 3 * num_keypoints)
    array = array.reshape(len(people), num_keypoints, 3)
    points, visible = array[..., :2], array[..., 2]
    size = _to_array(
        [
            [images[p['image_id']].get(key) for key in ('width', 'height')]
            for p in people
        ],
        2,
    ).reshape(-1, 1, 2)
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
    width = _to_array([p.get('bbox', [0] * 4) for p in people], 4)[:, 2]
    with np.errstate(invalid='ignore', divide='ignore'):
        shoulders = (points[:, at[0], 0] - points[:, at[1], 0]) / width
        hips = (points[:, at[2], 0] - points[:, at[3], 0]) / width
        crossed = (shoulders * hips < 0) & (
            np.minimum(abs(shoulders), abs(hips)) > CROSSED
        )
    return finding.add(ids[crossed & labelled[:, at].all(1)])


def _check_dropped(people: list[dict]) -> list[Finding]:
    crowds = [p['id'] for p in people if p.get('iscrowd')]
    none = []
    for person in people:
        keypoints = person.get('keypoints')
        if person.get('iscrowd'):
            continue
        if 'bbox' not in person or keypoints is None or not any(keypoints[2::3]):
            none.append(person['id'])
    usable = len(people) - len(crowds) - len(none)
    nobody = Finding('files without a person to train on', 'training stops', True)
    return [
        Finding('people without keypoints', 'MMPose drops them silently', False).add(
            none
        ),
        Finding('crowd boxes', 'MMPose drops them silently', False).add(crowds),
        nobody.add([] if usable > 0 else ['all of them'], 'file:'),
    ]
