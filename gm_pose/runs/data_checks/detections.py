"""Detection files, COCO's list of boxes with scores, as columns of numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gm_pose.runs.data_checks.json_file import no_garbage_collection
from gm_pose.runs.problem import Problem
from gm_pose.runs.user_errors import UserError

__all__ = ['PERSON', 'DetectedPeople', 'read_detections']

PERSON = 1
"""The only `category_id` that MMPose takes from a detection file, whatever the dataset."""

_FIX = 'give a COCO detection file, or, to train or test, --gt-boxes'
_FIELDS = ('image_id', 'bbox', 'score')


@dataclass(frozen=True)
class DetectedPeople:
    """The entries of a detection file that have `PERSON` as category, R of them.

    Attributes:
        total: entries in the file.
        others: category, as Python shows it -> entries that have it instead.
        at: (R,) their indices in the file.
        image_ids: (R,) as they stand in the file.
        boxes: (R, 4) x, y, width, height in px, NaN for null.
        scores: (R,), NaN for null.
    """

    total: int
    others: Counter
    at: NDArray[np.int64]
    image_ids: list[Any]
    boxes: NDArray[np.float64]
    scores: NDArray[np.float64]


@no_garbage_collection()
def read_detections(data: Any, path: str) -> DetectedPeople:
    """Content of a detection file -> its people.

    What MMPose reads is read: numbers as text, and boxes with more than four numbers, of
    which the first four count. Entries of other categories need no other field.

    Args:
        data: content of the file.
        path: its name, for the message.

    Raises:
        UserError: it is no list of detections, or an empty one; the first entry that MMPose
            cannot read.
    """
    if not isinstance(data, list):
        _refuse(path, f'holds a {type(data).__name__}; expected a list of detections')
    if not data:
        _refuse(path, 'has no boxes; expected a list of detections')
    for at, entry in enumerate(data):
        if not isinstance(entry, dict):
            _refuse(f'{path}: [{at}]', f'is {str(entry)[:40]}; expected an object')
    _require_field(data, range(len(data)), 'category_id', path)
    indices = [at for at, entry in enumerate(data) if entry['category_id'] == PERSON]
    for field in _FIELDS:
        _require_field(data, indices, field, path)
    people = [data[at] for at in indices]
    return DetectedPeople(
        total=len(data),
        others=Counter(
            repr(entry['category_id'])
            for entry in data
            if entry['category_id'] != PERSON
        ),
        at=np.array(indices, np.int64),
        image_ids=[person['image_id'] for person in people],
        boxes=_read_column(people, indices, 'bbox', _read_box, 4, path),
        scores=_read_column(people, indices, 'score', _read_score, 1, path)[:, 0],
    )


def _require_field(data: list[dict], indices: Any, field: str, path: str) -> None:
    for at in indices:
        if field not in data[at]:
            _refuse(f'{path}: [{at}]', f'has no `{field}`')


def _read_column(
    people: list[dict],
    indices: list[int],
    field: str,
    read: Callable[[Any], list[float]],
    width: int,
    path: str,
) -> NDArray[np.float64]:
    """(R, width): a field of every person, in numbers; the usual case all at once."""
    rows = [person[field] for person in people]
    try:
        values = np.array([row[:4] for row in rows] if width == 4 else rows, np.float64)
    except (TypeError, ValueError, OverflowError, KeyError):  # of a dict: a slice
        values = np.empty(0)
    if values.size == len(rows) * width and set(map(type, rows)) <= {list, float, int}:
        return values.reshape(-1, width)
    rows = []
    for person, at in zip(people, indices, strict=True):
        try:
            rows.append(read(person[field]))
        except (TypeError, ValueError, OverflowError):
            expected = 'x, y, width, height' if width == 4 else 'a number'
            value = str(person[field])[:40]
            _refuse(f'{path}: [{at}].{field}', f'is {value}; expected {expected}')
    return np.array(rows, np.float64).reshape(-1, width)


def _read_box(value: Any) -> list[float]:
    if not isinstance(value, list) or len(value) < 4:
        raise TypeError
    return [_to_float(number) for number in value[:4]]


def _read_score(value: Any) -> list[float]:
    if isinstance(value, list) and len(value) == 1:  # MMPose takes [0.9] for 0.9
        value = value[0]
    return [_to_float(value)]


def _to_float(value: Any) -> float:
    return float('nan') if value is None else float(value)


def _refuse(place: str, fault: str) -> None:
    raise UserError(str(Problem(place, fault, _FIX)))
