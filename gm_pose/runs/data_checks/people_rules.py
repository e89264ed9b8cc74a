"""Ids that clash, and people that MMPose drops: table of annotations -> which ones."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np

from gm_pose.runs.data_checks.annotation_table import AnnotationTable, Indices

__all__ = [
    'find_crowds',
    'find_dropped_people',
    'find_nobody_described',
    'find_nobody_to_train_on',
    'find_repeated_ids',
    'find_repeated_images',
    'find_unknown_images',
]


def find_repeated_ids(table: AnnotationTable) -> list[Any]:
    """Ids that several annotations have."""
    return _repeated([entry['id'] for entry in table.entries])


def find_repeated_images(table: AnnotationTable) -> list[Any]:
    """Ids that several images have."""
    return _repeated([image['id'] for image in table.images])


def _repeated(ids: list[Any]) -> list[Any]:
    if len(set(ids)) == len(ids):
        return []
    return [key for key, count in Counter(ids).items() if count > 1]


def find_unknown_images(table: AnnotationTable) -> Indices:
    """Annotations of images that the file does not have."""
    known = {image['id'] for image in table.images}
    ids = [entry['image_id'] for entry in table.entries]
    if known.issuperset(ids):
        return _where([])
    return _where([key not in known for key in ids])


def find_crowds(table: AnnotationTable) -> Indices:
    """Boxes around many people."""
    return _where([bool(entry.get('iscrowd')) for entry in table.entries])


def find_dropped_people(table: AnnotationTable) -> Indices:
    """No crowd, and without a box or a labelled joint."""
    labelled = np.zeros(len(table), bool)
    column = table.keypoints
    labelled[column.at] = (column.values[:, 2::3] != 0).any(1)
    labelled[column.wrong] = True  # has its own rule
    boxed = np.array(['bbox' in entry for entry in table.entries], bool)
    crowds = find_crowds(table)
    dropped = ~(labelled & boxed)
    dropped[crowds] = False
    return np.flatnonzero(dropped)


def find_nobody_to_train_on(table: AnnotationTable) -> list[str]:
    """The file itself, if MMPose drops all of its people."""
    dropped = len(find_dropped_people(table)) + len(find_crowds(table))
    return [] if dropped < len(table) else ['all of them']


def find_nobody_described(table: AnnotationTable) -> list[str]:
    """The file itself, if no annotation has the fields that people need."""
    fields = table.needs or ('keypoints', 'bbox')
    described = any(all(f in entry for f in fields) for entry in table.entries)
    return [] if described else [f'none has {" and ".join(fields)}']


def _where(flags: list[bool]) -> Indices:
    return np.flatnonzero(np.array(flags, bool))
