"""What MMPose makes of detected people: why a run is refused, and which boxes count."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gm_pose.runs.data_checks.box_layouts import explain_layout
from gm_pose.runs.data_checks.box_matches import explain_by_annotations
from gm_pose.runs.data_checks.detections import (
    PERSON,
    DetectedPeople,
    read_detections,
)
from gm_pose.runs.data_checks.json_file import read_json
from gm_pose.runs.problem import Problem

__all__ = ['check_detections', 'describe_use', 'find_detection_problems']

COUNTED = 20
"""Predictions in an image that COCO's evaluation looks at, those of highest score."""


def check_detections(
    path: str, data: dict, ann_file: str, min_score: float
) -> tuple[list[Problem], str]:
    """Read a detection file -> what is wrong with it, or how many boxes are used.

    Args:
        path: the detection file.
        data: content of the annotation file, with a list `images`.
        ann_file: its name.
        min_score: boxes below are left out (`filter_cfg.bbox_score_thr`).

    Raises:
        UserError: it cannot be read.
    """
    people = read_detections(read_json(path), path)
    problems = find_detection_problems(people, data, path, ann_file, min_score)
    return problems, '' if problems else describe_use(people, data, path, min_score)


def find_detection_problems(
    people: DetectedPeople, data: dict, path: str, ann_file: str, min_score: float
) -> list[Problem]:
    """All that makes an evaluation on detected people stop, or mean nothing.

    Args:
        people: of the detection file.
        data: content of the annotation file, with a list `images`.
        path: the detection file's name, for the messages.
        ann_file: the annotation file's name.
        min_score: boxes below are left out (`filter_cfg.bbox_score_thr`).
    """
    found = _check_categories(people, data, path)
    if not len(people.at):
        return found
    found += _check_images(people, data, path, ann_file)
    found += _check_values(people, path)
    sizes = _find_sizes(people, data)
    layout = explain_by_annotations(people, data) or explain_layout(people.boxes, sizes)
    if layout is not None:
        fault, fix = layout
        found.append(Problem(f'{path}: `bbox`', fault, fix))
    if len(people.at) and not (people.scores >= min_score).any() and not found:
        found.append(
            Problem(
                f'{path}: `score`',
                f'is below filter_cfg.bbox_score_thr={min_score} in all boxes; the '
                f'highest is {people.scores.max():.3g}',
                'lower bbox_score_thr',
            )
        )
    return found


def describe_use(
    people: DetectedPeople, data: dict, path: str, min_score: float
) -> str:
    """Which boxes count, why the others do not: '7 of 9 boxes are used, ...'."""
    used = people.scores >= min_score
    count = int(used.sum())
    ids = [image for image, flag in zip(people.image_ids, used, strict=True) if flag]
    num_images = len({image['id'] for image in data['images']})
    text = (
        f'bbox_file {path}: {count} of {people.total} boxes are used, in '
        f'{len(set(ids))} of {num_images} images'
    )
    reasons = [
        f'{number} have category_id {category} (MMPose takes {PERSON} for people)'
        for category, number in people.others.most_common(3)
    ]
    rest = sum(people.others.values()) - sum(
        number for _, number in people.others.most_common(3)
    )
    if rest:
        reasons.append(f'{rest} have other categories')
    if low := len(used) - count:
        reasons.append(f'{low} have a score below bbox_score_thr={min_score}')
    outside = int(_are_outside(people, data)[used].sum())
    if outside:
        reasons.append(f'{outside} of those used lie outside their image')
    if flat := int((people.boxes[used, 2:] <= 0).any(1).sum()):
        reasons.append(f'{flat} of those used have no width or height')
    if (people.scores[used] < 0).any():
        reasons.append('scores below 0 reverse the order of predictions')
    if count > COUNTED * len(set(ids)):
        reasons.append(f'COCO counts the {COUNTED} best of an image')
    return '; '.join([text, *reasons])


def _check_categories(people: DetectedPeople, data: dict, path: str) -> list[Problem]:
    place, fix = f'{path}: `category_id`', f'write {PERSON} for people'
    named = ', '.join(f'{n} have {key}' for key, n in people.others.most_common(3))
    if not len(people.at):
        return [Problem(place, f'is {PERSON}, a person, in no box ({named})', fix)]
    categories = data.get('categories')
    known = {
        entry.get('id')
        for entry in (categories if isinstance(categories, list) else [])
        if isinstance(entry, dict)
    }
    if '0' in people.others and 0 not in known:
        return [
            Problem(
                place,
                f'is 0 in {people.others["0"]} of {people.total} boxes, and MMPose takes '
                f'{PERSON} alone: categories are counted from 0',
                f'{fix}, as COCO does, and leave other objects out',
            )
        ]
    return []


def _check_images(
    people: DetectedPeople, data: dict, path: str, ann_file: str
) -> list[Problem]:
    """MMPose looks each id up, and stops at the first that is not there."""
    place, ids = f'{path}: `image_id`', people.image_ids
    wrong = [key for key in ids if type(key) is not int]
    if wrong:
        number = f'is {wrong[0]!r} in {len(wrong)} boxes; expected a whole number'
        fix = 'write the `id` of the image from the annotation file'
        if _is_whole(wrong[0]):
            fix = f"write int(box['image_id']), here {int(float(wrong[0]))}"
        return [Problem(place, number, fix)]
    known = {image['id'] for image in data['images']}
    unknown = [key for key in ids if key not in known]
    if not unknown:
        return []
    return [
        Problem(
            place,
            f'is not in {ann_file} for {len(unknown)} of {len(ids)} boxes (first: '
            f'{unknown[0]})',
            'give the boxes and annotations of the same images, or leave these boxes out',
        )
    ]


def _check_values(people: DetectedPeople, path: str) -> list[Problem]:
    """NaN, infinity, and a file of boxes that are none."""
    found = []
    columns = (('score', people.scores[:, None]), ('bbox', people.boxes))
    with np.errstate(over='ignore'):
        for field, values in columns:  # MMPose keeps them in 32 bits
            bad = np.asarray(~np.isfinite(values.astype(np.float32)).all(1))
            if bad.any():
                first = values[bad.argmax()].tolist()
                found.append(
                    Problem(
                        f'{path}: `{field}`',
                        f'is {first if len(first) > 1 else first[0]} in {int(bad.sum())} '
                        f'of {len(bad)} boxes (first: [{people.at[bad.argmax()]}]); '
                        'expected finite numbers',
                        'correct these boxes or leave them out',
                    )
                )
    return found


def _is_whole(value: Any) -> bool:
    try:
        return float(value).is_integer()
    except (TypeError, ValueError, OverflowError):
        return False


def _find_sizes(people: DetectedPeople, data: dict) -> NDArray[np.float64]:
    """(R, 2): width and height of each one's image, NaN where that is unknown."""
    sizes = {
        image['id']: (image.get('width'), image.get('height'))
        for image in data['images']
    }
    nothing = (np.nan, np.nan)
    rows = [
        sizes.get(key, nothing) if isinstance(key, int) else nothing
        for key in people.image_ids
    ]
    return np.array(rows, np.float64).reshape(-1, 2)


def _are_outside(people: DetectedPeople, data: dict) -> NDArray[np.bool_]:
    start, size = people.boxes[:, :2], _find_sizes(people, data)
    with np.errstate(invalid='ignore'):
        outside = (start >= size) | (start + people.boxes[:, 2:] <= 0)
    return np.asarray(outside.any(1))
