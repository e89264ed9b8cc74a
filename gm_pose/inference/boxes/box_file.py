"""Boxes from a COCO annotations or detections file."""

import math
from collections import defaultdict
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gm_pose.inference.boxes.box_finder import FoundBoxes
from gm_pose.inference.sources.frame import Frame
from gm_pose.runs.data_checks.detections import PERSON, read_detections
from gm_pose.runs.data_checks.json_file import read_json
from gm_pose.runs.user_errors import UserError

__all__ = ['BoxFile']

_FIX = 'Fix: give a COCO annotations file, or a list of detections'


class BoxFile:
    """Finds an image by its file name, a frame of a video by its number.

    Annotations belong to the image whose `file_name` ends the frame's path, or else has
    its name, if only one has. Boxes are clipped as MMPose's datasets do it; crowds do not
    count. In detections, which have no names, `image_id` is the number in the image's
    name, as in COCO (000000000139.jpg), or the name itself; a video's frames count from 0.

    Args:
        path: of the file.
        threshold: detections with a lower score are left out.

    Raises:
        UserError: it cannot be read, or is no such file.
    """

    def __init__(self, path: str, threshold: float) -> None:
        self._path = path
        self._ids: dict[str, Any] = {}  # file name -> image id
        self._named: dict[str, list[Any]] = {}  # its last part -> image ids
        self._boxes: dict[Any, NDArray[np.float32]] = {}  # with scores, (n, 5)
        self._others = 0
        data = read_json(path)
        if isinstance(data, dict):
            self._read_annotations(data)
        else:
            self._read_detections(data, threshold)
        self._matched = False

    @property
    def unmatched_note(self) -> str | None:
        """What to say at the end if no frame had boxes in the file."""
        if self._matched:
            return None
        note = f'{self._path} has no boxes for any of these images'
        if self._others:
            note += f'; {self._others} are not of category_id {PERSON} (person)'
        return note

    def find(self, frame: Frame) -> FoundBoxes:
        """Boxes of a frame, none for one that the file does not have."""
        image_id = self._find_id(frame)
        found = self._boxes.get(image_id)
        if found is None:
            return FoundBoxes(
                np.zeros((0, 4), np.float32), np.zeros(0, np.float32), image_id
            )
        self._matched = True
        return FoundBoxes(found[:, :4], found[:, 4], image_id)

    def _find_id(self, frame: Frame) -> Any:
        if frame.index is not None and not self._ids:
            return frame.index
        parts = PurePosixPath(Path(frame.source).as_posix()).parts
        if frame.index is not None:
            parts = (f'{frame.index}',)
        for length in range(len(parts), 0, -1):  # the longest name that fits
            name = '/'.join(parts[-length:])
            if name in self._ids:
                return self._ids[name]
        named = self._named.get(parts[-1] if parts else '', [])
        if len(named) == 1:
            return named[0]
        stem = Path(frame.source).stem
        candidates = (
            int(stem) if stem.isdecimal() else stem,
            stem,
            Path(frame.source).name,
        )
        return next((c for c in candidates if c in self._boxes), None)

    def _read_annotations(self, data: dict[str, Any]) -> None:
        images, annotations = data.get('images'), data.get('annotations')
        if not isinstance(images, list) or not isinstance(annotations, list):
            raise UserError(
                f'{self._path} has no lists `images` and `annotations`. {_FIX}'
            )
        try:
            sizes = {i['id']: _read_size(i) for i in images}
            self._ids = {
                str(i['file_name']).replace('\\', '/'): i['id'] for i in images
            }
            for name, image_id in self._ids.items():
                self._named.setdefault(name.rpartition('/')[2], []).append(image_id)
            people = _find_person_categories(data.get('categories'))
            rows = defaultdict(list)
            for entry in annotations:
                is_person = people is None or entry.get('category_id') in people
                if entry.get('iscrowd') or 'bbox' not in entry or not is_person:
                    continue
                image_id = entry['image_id']
                if image_id not in sizes:
                    raise ValueError(
                        f'a box of image {image_id}, which is not in `images`'
                    )
                rows[image_id].append(_clip(entry, sizes[image_id]))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            reason = f'no {error}' if isinstance(error, KeyError) else str(error)
            raise UserError(
                f'{self._path} is no COCO annotations file ({reason}). {_FIX}'
            ) from error
        self._boxes = {k: np.array(v, np.float32) for k, v in rows.items()}

    def _read_detections(self, data: Any, threshold: float) -> None:
        people = read_detections(data, self._path)
        self._others = sum(people.others.values())
        with np.errstate(over='ignore', invalid='ignore'):  # see `keep_usable`
            boxes = people.boxes.astype(np.float32)
            boxes[:, 2:] += boxes[:, :2]
        rows = defaultdict(list)
        for at, image_id, box, score in zip(
            people.at, people.image_ids, boxes, people.scores, strict=True
        ):
            if not isinstance(image_id, (int, float, str)):
                self._refuse(at, 'image_id', image_id, 'a number or a file name')
            if not math.isfinite(score):
                self._refuse(at, 'score', data[at]['score'], 'a finite number')
            if score >= threshold:
                rows[image_id].append([*box, score])
        self._boxes = {k: np.array(v, np.float32) for k, v in rows.items()}

    def _refuse(self, at: int, field: str, value: Any, expected: str) -> None:
        raise UserError(
            f'{self._path}: [{at}].{field} is {str(value)[:40]}; expected {expected}. '
            f'{_FIX}'
        )


def _read_size(image: dict[str, Any]) -> tuple[float, float]:
    """(w, h) px; where a file leaves them out, boxes are not clipped."""
    return image.get('width') or math.inf, image.get('height') or math.inf


def _clip(entry: dict[str, Any], size: tuple[float, float]) -> list[float]:
    """x, y, width, height -> x1, y1, x2, y2, score, clipped as `BaseCocoStyleDataset`."""
    box = entry['bbox']
    try:
        x, y, w, h = (float(v) for v in box)
    except (TypeError, ValueError, OverflowError):
        name = entry.get('id', 'without an id')
        raise ValueError(
            f'the bbox of annotation {name} is {str(box)[:40]}; expected x, y, width, '
            'height'
        ) from None
    right, bottom = size[0] - 1, size[1] - 1
    return [
        min(max(x, 0), right),
        min(max(y, 0), bottom),
        min(max(x + w, 0), right),
        min(max(y + h, 0), bottom),
        1.0,
    ]


def _find_person_categories(categories: Any) -> set[Any] | None:
    """Ids of what is called person where there is such a category; None: all count."""
    people = {c['id'] for c in categories or () if c.get('name') == 'person'}
    return people or None
