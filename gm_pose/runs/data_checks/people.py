"""Faults of an annotation file: ids, boxes, areas, and people that are dropped."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from gm_pose.runs.data_checks.finding import Finding
from gm_pose.runs.data_checks.keypoints import check_definition, check_keypoints
from gm_pose.runs.data_checks.tables import to_array, to_image_sizes

__all__ = ['check_annotations', 'get_joint_names']


def get_joint_names(data: dict) -> list[str]:
    """Names of the first category that has any, or an empty list."""
    categories = data.get('categories')
    for category in categories if isinstance(categories, list) else []:
        names = category.get('keypoints') if isinstance(category, dict) else None
        if names and isinstance(names, list):
            return [str(name) for name in names]
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
        *check_definition(own_names, num_keypoints, known, names, flip_pairs),
        *check_keypoints(right, images, num_keypoints, own_names or list(names or [])),
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


def _check_boxes(people: list[dict], images: dict) -> list[Finding]:
    boxed = [p for p in people if 'bbox' in p]
    ids = np.array([p['id'] for p in boxed], dtype=object)
    box = to_array([p['bbox'] for p in boxed], 4).reshape(-1, 4)
    size = to_image_sizes(boxed, images)
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


def _check_dropped(people: list[dict]) -> list[Finding]:
    crowds = [p['id'] for p in people if p.get('iscrowd')]
    none = []
    for person in people:
        keypoints = person.get('keypoints')
        if person.get('iscrowd'):
            continue
        if not isinstance(keypoints, (list, type(None))):
            continue  # told by `check_definition`
        if 'bbox' not in person or not any((keypoints or [])[2::3]):
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
