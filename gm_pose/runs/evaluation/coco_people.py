"""COCO's lists of annotations and detections as arrays."""

from collections.abc import Sequence
from itertools import chain
from typing import Any

import numpy as np

from gm_pose.runs.evaluation.people import DetectedPeople, TruePeople

__all__ = ['AREA_TO_BOX_RATIO', 'read_detected_people', 'read_true_people']

AREA_TO_BOX_RATIO = 0.53
"""Part of its box that a person covers, for data sets without `area` (as xtcocotools)."""


def read_true_people(
    annotations: Sequence[dict[str, Any]], num_keypoints: int, use_area: bool = True
) -> TruePeople:
    """Annotations of a COCO file -> people.

    Args:
        annotations: dicts with image_id, category_id, bbox, keypoints, area.
        num_keypoints: K.
        use_area: False computes each area as 0.53 x box (CrowdPose, AIC have none).

    Raises:
        ValueError: an id is not an integer, a keypoint list has another length than 3 K, or
            a number is missing.
    """
    bboxes = _read_rows(annotations, 'bbox', 4)
    if use_area:
        areas = _read_numbers(annotations, 'area')
    else:
        areas = bboxes[:, 3] * bboxes[:, 2] * AREA_TO_BOX_RATIO
    return TruePeople(
        _read_ids(annotations, 'image_id'),
        _read_ids(annotations, 'category_id'),
        _read_rows(annotations, 'keypoints', 3 * num_keypoints).reshape(
            -1, num_keypoints, 3
        ),
        bboxes,
        areas,
        np.array([bool(person.get('iscrowd', 0)) for person in annotations], bool),
    )


def read_detected_people(
    detections: Sequence[dict[str, Any]], num_keypoints: int
) -> DetectedPeople:
    """Detections with areas, as `COCO.loadRes` gives them -> people.

    Raises:
        ValueError: as in `read_true_people`.
    """
    return DetectedPeople(
        _read_ids(detections, 'image_id'),
        _read_ids(detections, 'category_id'),
        _read_rows(detections, 'keypoints', 3 * num_keypoints).reshape(
            -1, num_keypoints, 3
        ),
        _read_numbers(detections, 'area'),
        _read_numbers(detections, 'score'),
    )


def _read(people: Sequence[dict[str, Any]], key: str) -> list[Any]:
    try:
        return [person[key] for person in people]
    except KeyError:
        ids = [person.get('id') for person in people if key not in person]
        raise ValueError(
            f'person {ids[0]} has no {key!r}; expected it in all'
        ) from None


def _read_ids(people: Sequence[dict[str, Any]], key: str) -> np.ndarray:
    ids = np.array(_read(people, key)) if len(people) else np.zeros(0, np.int64)
    if ids.dtype.kind not in 'iu':
        raise ValueError(f'{key} is of type {ids.dtype}; expected integers')
    if ids.ndim != 1:
        raise ValueError(f'{key} is a list; expected an integer')
    return ids.astype(np.int64)


def _read_numbers(people: Sequence[dict[str, Any]], key: str) -> np.ndarray:
    """A number of each -> (N,)."""
    try:
        numbers = np.array(_read(people, key), float)
    except OverflowError as error:
        raise ValueError(f'{key!r} has a number that is too large: {error}') from error
    if numbers.shape != (len(people),):
        raise ValueError(f'{key!r} is a list; expected a number')
    return numbers


def _read_rows(people: Sequence[dict[str, Any]], key: str, length: int) -> np.ndarray:
    """Lists of `length` numbers -> (N, length)."""
    rows = _read(people, key)
    for person, row in zip(people, rows, strict=True):
        if len(row) != length:
            raise ValueError(
                f'{key!r} of person {person.get("id")} has {len(row)} numbers; expected '
                f'{length}'
            )
    try:
        flat = np.fromiter(chain.from_iterable(rows), float, length * len(rows))
    except OverflowError as error:
        raise ValueError(f'{key!r} has a number that is too large: {error}') from error
    return flat.reshape(-1, length)
