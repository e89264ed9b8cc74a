"""Label Studio's JSON export: keypoints, and the rectangles of those whose they are.

Own code: sleap-io reads such files only with the meta data that SLEAP writes, and takes
joints in an order that changes. Reference: labelstud.io/tags/keypointlabels.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlparse

from gm_pose.new_dataset.keypoint_data import KeypointData
from gm_pose.new_dataset.readers.image_files import ENDINGS, ImageFolder
from gm_pose.new_dataset.readers.malformed import explain_malformed
from gm_pose.runs.data_checks.json_file import read_json
from gm_pose.runs.user_errors import UserError

__all__ = ['read_label_studio']

Region = dict[str, Any]


def read_label_studio(
    path: Path, images: Path, joint_names: list[str] | None
) -> KeypointData:
    """Export as JSON (not JSON-MIN) -> people.

    A keypoint belongs to the rectangle that a relation or `parentID` names, else to the
    smallest one around it; without rectangles an image shows one person.

    Args:
        joint_names: labels in this order; None: in the order of their first use.

    Raises:
        UserError: no such export, or a task with two keypoints of a label for one person.
    """
    tasks = read_json(str(path))
    folder = ImageFolder(images)
    data = KeypointData('Label Studio JSON', [], [], [])
    names = dict.fromkeys(joint_names or ())
    found: list[tuple[int, list[Region], Region | None]] = []
    missing: list[str] = []
    for number, task in enumerate(tasks, 1):
        with explain_malformed(path, f'task {number}', 'Label Studio'):
            results = _get_results(path, task)
            points = [r for r in results if r.get('type') == 'keypointlabels']
            written = _get_image_name(path, task)
            name = folder.find(written) or folder.find_upload(written)
            if name is None:
                missing += [written] if points else []
                continue
            sized = points or [r for r in results if 'original_width' in r]
            if not sized:
                continue
            width, height = sized[0]['original_width'], sized[0]['original_height']
            data.images.append(
                dict(id=number, file_name=name, width=width, height=height)
            )
            if joint_names is None:
                names.update(dict.fromkeys(_get_label(p) for p in points))
            found += [(number, *person) for person in _group_by_person(results, points)]
    data.joint_names = [*names]
    for image_id, points, box in found:
        with explain_malformed(path, f'task {image_id}', 'Label Studio'):
            number = len(data.annotations) + 1
            person = _make_person(path, number, image_id, points, box, [*names])
            data.annotations.append(person)
    data.note_missing(missing, images)
    return data


def _get_results(path: Path, task: Any) -> list[Region]:
    """Regions of a task's last annotation that was not cancelled."""
    if not isinstance(task, dict) or 'data' not in task:
        raise UserError(
            f'{path} is no task list of Label Studio. Fix: export as JSON, not JSON-MIN'
        )
    done = [
        a
        for a in task.get('annotations') or task.get('completions') or ()
        if not a.get('was_cancelled')
    ]
    return done[-1].get('result') or [] if done else []


def _get_image_name(path: Path, task: Region) -> str:
    """'/data/local-files/?d=a/b.jpg' or '/data/upload/1/b.jpg' -> the path in it."""
    for value in task['data'].values():
        url = urlparse(value if isinstance(value, str) else '')
        name = parse_qs(url.query).get('d', [unquote(url.path)])[0]
        if name.lower().endswith(ENDINGS):  # beside it may be a caption or a date
            return name
    raise UserError(f'{path}: task {task.get("id")} names no image')


def _get_label(point: Region) -> str:
    return str(point['value']['keypointlabels'][0])


def _group_by_person(
    results: list[Region], points: list[Region]
) -> Iterable[tuple[list[Region], Region | None]]:
    """A task's regions -> keypoints of each person, and its rectangle."""
    boxes = {r['id']: r for r in results if r.get('type') == 'rectanglelabels'}
    if not boxes:
        return [(points, None)] if points else []
    owner = {}
    for relation in results:
        if relation.get('type') == 'relation':
            ends = relation['from_id'], relation['to_id']
            for point, box in (ends, ends[::-1]):
                if box in boxes:
                    owner[point] = box
    groups: dict[Any, list[Region]] = {key: [] for key in boxes}
    for point in points:
        key = owner.get(point['id'], point.get('parentID'))
        groups.setdefault(key if key in boxes else _find_box(point, boxes), []).append(
            point
        )
    return [(own, boxes.get(key)) for key, own in groups.items() if own]


def _find_box(point: Region, boxes: dict[Any, Region]) -> Any:
    """Id of the smallest rectangle around a point, None outside of all."""
    x, y = point['value']['x'], point['value']['y']
    inside = [
        (b['value']['width'] * b['value']['height'], str(key), key)
        for key, b in boxes.items()
        if 0 <= x - b['value']['x'] <= b['value']['width']
        and 0 <= y - b['value']['y'] <= b['value']['height']
    ]
    return min(inside)[2] if inside else None


def _make_person(
    path: Path,
    number: int,
    image_id: int,
    points: list[Region],
    box: Region | None,
    names: list[str],
) -> dict[str, Any]:
    """Positions in percent of the image -> annotation in px."""
    values: list[Any] = [0.0, 0.0, 0] * len(names)
    for point in points:
        label = _get_label(point)
        if label not in names:
            continue
        at = 3 * names.index(label)
        if values[at + 2]:
            raise UserError(
                f'{path}: the image of task {image_id} has {label!r} twice for one person. '
                'Fix: draw a rectangle around each person'
            )
        x, y = _to_px(point, 'x', 'y')
        values[at : at + 3] = [x, y, 2]
    person: dict[str, Any] = dict(
        id=number,
        image_id=image_id,
        category_id=1,
        iscrowd=0,
        keypoints=values,
        num_keypoints=sum(v > 0 for v in values[2::3]),
    )
    if box is not None:
        person['bbox'] = [*_to_px(box, 'x', 'y'), *_to_px(box, 'width', 'height')]
    return person


def _to_px(region: Region, across: str, down: str) -> tuple[float, float]:
    value = region['value']
    return (
        round(value[across] * region['original_width'] / 100, 2),
        round(value[down] * region['original_height'] / 100, 2),
    )
