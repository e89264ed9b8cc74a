"""Files in COCO's layout: read, and refused in a sentence where they have another."""

import contextlib
import gc
import json
from collections.abc import Iterator
from typing import Any

from gm_pose.runs.user_errors import UserError

__all__ = [
    'check_coco_frame',
    'check_coco_layout',
    'check_detections',
    'check_people',
    'read_json',
]

MAX_BYTES = 8_000_000_000
"""Largest annotation file accepted: COCO train2017 has 2.4e8, Objects365 5e9 bytes."""


@contextlib.contextmanager
def _no_garbage_collection() -> Iterator[None]:
    """Reading millions of small lists takes 2.5 times as long with the collector on."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def read_json(path: str) -> Any:
    """JSON file -> value.

    Raises:
        UserError: the file is missing, too large, truncated or no JSON.
    """
    try:
        with open(path, 'rb') as file:
            size = file.seek(0, 2)
            if size > MAX_BYTES:
                raise UserError(
                    f'{path} has {size} bytes, more than an annotation file can have '
                    f'({MAX_BYTES}): give a COCO keypoint JSON file'
                )
            file.seek(0)
            with _no_garbage_collection():
                return json.load(file)
    except OSError as error:
        raise UserError(f'{path} cannot be read: {error.strerror}') from error
    except (UnicodeDecodeError, RecursionError) as error:
        raise UserError(
            f'{path} is no JSON file ({type(error).__name__}): give a COCO keypoint file'
        ) from error
    except MemoryError as error:
        raise UserError(f'{path} does not fit into memory') from error
    except ValueError as error:
        end = getattr(error, 'pos', 0) >= size - 1
        what = 'ends in the middle (truncated)' if end and size else 'is no JSON'
        raise UserError(
            f'{path} {what}: {error}; download or copy it again, or give a COCO keypoint '
            'file'
        ) from error


_REMEDY = 'give a COCO keypoint file (lists `images`, `annotations`, `categories`)'
_ID = ((int, float, str), 'a number or text')
_SIZE = ((int, float), 'a number')
# list: field: the types that it may have, and their name
_FIELDS: dict[str, dict[str, tuple[Any, str]]] = {
    'images': dict(id=_ID, file_name=(str, 'text'), width=_SIZE, height=_SIZE),
    'annotations': dict(id=_ID, image_id=_ID, category_id=_ID),
    'categories': dict(id=_ID),
}


def check_coco_frame(
    data: Any, path: str, lists: tuple[str, ...] = ('images', 'annotations')
) -> None:
    """Raise UserError unless `data` has COCO's lists, whose entries have their fields."""
    if not isinstance(data, dict):
        raise UserError(
            f'{path} holds a {type(data).__name__} and no object: {_REMEDY}'
        )
    for name in lists:
        if not isinstance(data.get(name), list):
            raise UserError(f'{path} has no list `{name}`: {_REMEDY}')
    for name in lists:
        if not data[name]:
            raise UserError(f'{path}: the list `{name}` is empty: {_REMEDY}')
        for index, entry in enumerate(data[name]):
            for field, (kinds, wanted) in _FIELDS[name].items():
                if not isinstance(entry, dict) or field not in entry:
                    raise UserError(
                        f'{path}: {name}[{index}] has no `{field}`: {_REMEDY}'
                    )
                if not isinstance(entry[field], kinds):
                    raise UserError(
                        f'{path}: {name}[{index}].{field} is {str(entry[field])[:40]} '
                        f'and not {wanted}: {_REMEDY}'
                    )


def check_coco_layout(data: Any, path: str) -> None:
    """`check_coco_frame`, and every annotation belongs to an image of the file."""
    check_coco_frame(data, path)
    if data.get('categories', []) != []:
        check_coco_frame(data, path, ('categories',))
    known = {image['id'] for image in data['images']}
    for index, entry in enumerate(data['annotations']):
        if entry['image_id'] not in known:
            raise UserError(
                f'{path}: annotations[{index}] belongs to image {entry["image_id"]!r}, '
                'which is not in `images`: the file is a mix of two, or half of one'
            )


def check_people(data: dict, path: str, count: int | None) -> None:
    """Raise UserError if no person has keypoints, or one has what MMPose cannot read.

    Args:
        data: content of a file that `check_coco_layout` accepts.
        path: the file's name, for the message.
        count: K of the dataset, or None where nobody says.
    """
    people = 0
    for entry in data['annotations']:
        if 'keypoints' not in entry or 'bbox' not in entry:
            continue  # MMPose leaves it out
        keypoints = entry['keypoints']
        if not _are_numbers(keypoints) or len(keypoints) % 3:
            found = len(keypoints) if _are_numbers(keypoints) else 'no list of'
            raise UserError(
                f'{path}: annotation {entry["id"]} has {found} numbers in `keypoints`, '
                'and x, y, visibility of each joint are wanted: correct it or leave it out'
            )
        if not _are_numbers(entry['bbox']) or len(entry['bbox']) != 4:
            raise UserError(
                f'{path}: annotation {entry["id"]} has bbox {str(entry["bbox"])[:40]}, '
                'and x, y, width, height are wanted: correct it or leave it out'
            )
        if not isinstance(entry.get('area', 0), (int, float)):
            raise UserError(
                f'{path}: annotation {entry["id"]} has area {str(entry["area"])[:40]}, '
                'and a number is wanted: correct it or leave it out'
            )
        if count is not None and len(keypoints) != 3 * count:
            raise UserError(
                f'{path}: annotation {entry["id"]} has {len(keypoints) // 3} keypoints, '
                f'and the dataset in the config has {count}: give the dataset the '
                'metainfo of this file (metainfo=dict(from_file=...))'
            )
        people += 1
    if not people:
        raise UserError(
            f'{path}: no annotation has both `keypoints` and `bbox`: give the keypoint '
            'file (person_keypoints_*.json), not the one of boxes or captions'
        )


def _are_numbers(values: Any) -> bool:
    """Whether this is a list of numbers alone; adding them up is the fastest way to ask."""
    try:
        return isinstance(values, list) and sum(values) is not None
    except TypeError:
        return False


def check_detections(path: str) -> None:
    """Raise UserError unless the file is a list of COCO detections."""
    detections = read_json(path)
    fields = ('category_id', 'image_id', 'bbox', 'score')
    if not isinstance(detections, list) or not all(
        isinstance(box, dict) and all(field in box for field in fields)
        for box in detections
    ):
        raise UserError(
            f'{path} is no list of detections (each with {", ".join(fields)}): give a '
            'COCO detection file, or evaluate on ground-truth boxes with --gt-boxes'
        )
