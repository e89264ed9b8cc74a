"""What COCOeval cannot read: table of annotations -> indices of those, or words.

Each is what `CocoMetric` did with xtcocotools 1.14.3 and with the stand-in. With or without
an `ann_file` of its own, the metric reads the dataset's whole file.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from gm_pose.runs.data_checks.annotation_table import (
    MISSING,
    AnnotationTable,
    Indices,
    find_set,
)
from gm_pose.runs.data_checks.explanations import (
    explain_areas_missing,
    explain_categories,
    explain_crowd,
    explain_fields_missing,
    explain_id,
)
from gm_pose.runs.data_checks.rule import Level, rule

__all__ = [
    'areas_missing',
    'categories_missing',
    'fields_missing',
    'ids_not_evaluated',
    'odd_crowds',
    'unknown_categories',
]

MAX_ID = 2**63
"""COCOeval keeps matched ids in arrays of int64."""


@rule(
    'annotations without an area',
    'evaluation stops, unless use_area=False',
    Level.REFUSED,
    explain=explain_areas_missing,
    of_evaluation=True,
)
def areas_missing(table: AnnotationTable) -> Indices:
    """No `area`, where OKS is scaled by it: KeyError."""
    if not table.use.use_area:
        return find_set([])
    return np.flatnonzero(~table.have('area'))


@rule(
    'annotations without keypoints or box',
    'evaluation stops',
    Level.REFUSED,
    explain=explain_fields_missing,
    of_evaluation=True,
)
def fields_missing(table: AnnotationTable) -> Indices:
    """No keypoints or box, which COCOeval reads of everybody: KeyError."""
    fields = ['keypoints', 'bbox']
    if table.use.iou_type == 'keypoints_crowd':
        fields.append('num_keypoints')
    flags = np.zeros(len(table), bool)
    for field in fields:
        flags |= ~table.have(field)
    return np.flatnonzero(flags)


@rule(
    'files without the categories of their people',
    'evaluation gives AP -1',
    Level.REFUSED,
    kind='file:',
    explain=explain_categories,
    of_evaluation=True,
)
def categories_missing(table: AnnotationTable) -> list[str]:
    """No category, or none that an annotation has: AP is -1."""
    ids = set(table.fields['category_id'])
    if not table.category_ids:
        return ['it has none']
    if ids and not ids & table.category_ids:
        first = table.fields['category_id'][0]
        return [f'annotations have category_id {first!r}, which is not in `categories`']
    return []


@rule(
    'annotations of unknown categories',
    'they are never scored',
    Level.HARMFUL,
    of_evaluation=True,
)
def unknown_categories(table: AnnotationTable) -> Indices:
    """A category that the file does not have, while others are known: never scored."""
    ids = table.fields['category_id']
    if table.category_ids.issuperset(ids) or categories_missing.find(table):
        return find_set([])
    return find_set([key not in table.category_ids for key in ids])


@rule(
    'annotation ids that are no integers from 0 to 2^63 - 1',
    'evaluation stops',
    Level.REFUSED,
    explain=explain_id,
    of_evaluation=True,
)
def ids_not_evaluated(table: AnnotationTable) -> Indices:
    """Text, numbers above 2^63, and below 0, which xtcocotools takes for unmatched."""
    low, high = (-np.inf, 1e308) if table.use.is_stand_in else (0, MAX_ID)
    ids = table.fields['id']
    if set(map(type, ids)) == {int} and min(ids) >= low and max(ids) < high:
        return find_set([])
    return find_set([isinstance(key, str) or not low <= key < high for key in ids])


@rule(
    'annotations with iscrowd other than 0 and 1',
    'evaluation stops or drops them',
    Level.REFUSED,
    explain=explain_crowd,
    of_evaluation=True,
)
def odd_crowds(table: AnnotationTable) -> Indices:
    """`iscrowd` other than 0 and 1: null ends COCOeval, text is true."""
    values = table.fields['iscrowd']
    if set(map(type, values)) <= {int, bool, object} and set(values) <= {0, 1, MISSING}:
        return find_set([])
    return find_set([not _is_flag(value) for value in values])


def _is_flag(value: Any) -> bool:
    return value is MISSING or (isinstance(value, (int, float)) and value in (0, 1))
