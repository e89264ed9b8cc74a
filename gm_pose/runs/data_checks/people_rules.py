"""Ids that clash, and people that MMPose drops: table of annotations -> which ones."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np

from gm_pose.runs.data_checks.annotation_table import (
    MISSING,
    AnnotationTable,
    Indices,
    find_set,
)
from gm_pose.runs.data_checks.explanations import (
    explain_image,
    explain_image_id,
    explain_nobody,
    explain_nobody_kept,
)
from gm_pose.runs.data_checks.file_use import FileUse
from gm_pose.runs.data_checks.rule import Level, rule

__all__ = [
    'crowds',
    'dropped_people',
    'image_ids_not_whole',
    'nobody_described',
    'nobody_to_train_on',
    'repeated_ids',
    'repeated_images',
    'unknown_images',
]


@rule('duplicated annotation ids', 'one hides the other', Level.HARMFUL, kind='id')
def repeated_ids(table: AnnotationTable) -> list[Any]:
    """Ids that several annotations have."""
    return _repeated(table.fields['id'])


@rule('duplicated image ids', 'one hides the other', Level.HARMFUL, kind='image')
def repeated_images(table: AnnotationTable) -> list[Any]:
    """Ids that several images have."""
    return _repeated([image['id'] for image in table.images])


def _repeated(ids: list[Any]) -> list[Any]:
    if len(set(ids)) == len(ids):
        return []
    return [key for key, count in Counter(ids).items() if count > 1]


@rule(
    'annotations of unknown images',
    'MMPose stops',
    Level.REFUSED,
    explain=explain_image,
)
def unknown_images(table: AnnotationTable) -> Indices:
    """Annotations of images that the file does not have."""
    known, ids = table.image_rows, table.fields['image_id']
    if known.keys() >= set(ids):
        return find_set([])
    return find_set([key not in known for key in ids])


@rule('crowd boxes', 'MMPose drops them silently', Level.NOTED)
def crowds(table: AnnotationTable) -> Indices:
    """Boxes around many people."""
    values = table.fields['iscrowd']
    return find_set([bool(value) and value is not MISSING for value in values])


@rule('people without keypoints', 'MMPose drops them silently', Level.NOTED)
def dropped_people(table: AnnotationTable) -> Indices:
    """No crowd, and without a box, a labelled joint, or a `num_keypoints` above 0."""
    labelled = np.zeros(len(table), bool)
    column = table.keypoints
    with np.errstate(invalid='ignore'):
        labelled[column.at] = (column.values[:, 2::3] != 0).any(1)
    labelled[column.wrong] = True  # has its own rule
    counted = np.array([count != 0 for count in table.fields['num_keypoints']], bool)
    among_crowds = crowds.find(table)
    dropped = ~(labelled & table.have('bbox') & counted)
    dropped[among_crowds] = False
    return np.flatnonzero(dropped)


@rule(
    'files without a person to train on',
    'training and evaluation stop',
    Level.REFUSED,
    kind='file:',
    explain=explain_nobody_kept,
)
def nobody_to_train_on(table: AnnotationTable) -> list[str]:
    """The file itself, if MMPose keeps nobody of it who has a labelled joint: why."""
    if not table.use.is_topdown:
        return []
    reasons: Counter[str] = Counter()
    for entry in table.entries:
        row = table.image_rows.get(entry['image_id'])
        image = {} if row is None else table.images[row]
        size = None if row is None else (image['width'], image['height'])
        reason = _explain_drop(entry, size, table.use)
        if reason is None:
            return []
        reasons[reason] += 1
    return [', '.join(f'{count} {reason}' for reason, count in reasons.most_common())]


def _explain_drop(
    entry: dict, size: tuple[float, float] | None, use: FileUse
) -> str | None:
    """Why MMPose's filter drops a person, as `BaseCocoStyleDataset` does it, or None.

    A person without a labelled joint may pass the filter, and then trains nothing.
    """
    joints, box = entry.get('keypoints'), entry.get('bbox')
    if joints is None or box is None:
        return 'without `keypoints` or `bbox`'
    if entry.get('iscrowd'):
        return 'with `iscrowd`'
    if entry.get('num_keypoints') == 0:
        return 'with num_keypoints 0'
    try:
        values = np.array(joints, dtype=np.float32).reshape(-1, 3)
        x, y, width, height = map(float, box)
    except (TypeError, ValueError, OverflowError):
        return None  # has its own rule
    if not (values[:, 2] > 0).any():
        return 'without a labelled joint'
    if values[:, :2].max() <= 0:
        return 'with all joints at 0 or below'
    if size is None or (use.sample_interval > 1 and not _is_chosen(entry, use)):
        return 'of images that are left out'
    start = np.clip((x, y), 0, np.subtract(size, 1))
    end = np.clip((x + width, y + height), 0, np.subtract(size, 1))
    empty = (np.float32(end) - np.float32(start) <= 0).any()
    return 'with a box of no size in the image' if empty else None


def _is_chosen(entry: dict, use: FileUse) -> bool:
    key = entry['image_id']
    return isinstance(key, (int, float)) and key % use.sample_interval == 0


@rule(
    'image ids that are no integers',
    'MMPose stops',
    Level.REFUSED,
    kind='id',
    explain=explain_image_id,
)
def image_ids_not_whole(table: AnnotationTable) -> list[Any]:
    """Ids of images that MMPose cannot look up: text, floats, bools."""
    ids = [image['id'] for image in table.images]
    if set(map(type, ids)) <= {int}:
        return []
    return [repr(key) for key in ids if type(key) is not int]


@rule(
    'files that describe nobody',
    'training stops',
    Level.REFUSED,
    kind='file:',
    explain=explain_nobody,
)
def nobody_described(table: AnnotationTable) -> list[str]:
    """The file itself, if no annotation has the fields that people need."""
    fields = table.needs or ('keypoints', 'bbox')
    described = np.all([table.have(field) for field in fields], 0)
    return [] if described.any() else [f'none has {" and ".join(fields)}']
