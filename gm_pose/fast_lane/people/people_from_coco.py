"""The people of a file in COCO's layout, by the rules of `BaseCocoStyleDataset`, at once.

The rules are MMPose's (`parse_data_info`, `_is_valid_instance`, `_load_detection_results`,
`filter_data`), applied to all annotations together. What is unusual enough to depend on
the order in which MMPose looks at it (an id twice, NaN, a missing key) is left to MMPose.
"""

import os.path as osp
from collections.abc import Sequence
from itertools import chain
from typing import Any

import numpy as np
import orjson

from gm_pose.fast_lane.people.packed_values import pack_json
from gm_pose.fast_lane.people.people_columns import PeopleColumns
from gm_pose.runs.data_checks.json_file import no_garbage_collection

__all__ = ['READERS', 'read_coco_columns']

# Methods that a class must have as MMPose's base class has them.
READERS = (
    'full_init',
    'load_data_list',
    '_load_annotations',
    'parse_data_info',
    '_is_valid_instance',
    '_get_topdown_data_infos',
    '_load_detection_results',
    'filter_data',
    'get_data_info',
    '_get_unserialized_subset',
)


class _Unusual(Exception):
    """Content that is left to MMPose's own code."""


def read_coco_columns(shell: Any) -> PeopleColumns | None:
    """Dataset that has not read its files -> its samples; None: left to MMPose.

    Args:
        shell: of `make_shell`.
    """
    from mmpose.datasets.datasets.base import BaseCocoStyleDataset

    kind = type(shell)
    if any(getattr(kind, n) is not getattr(BaseCocoStyleDataset, n) for n in READERS):
        return None
    if shell.data_mode != 'topdown' or not osp.isfile(shell.ann_file):
        return None
    with no_garbage_collection():
        try:
            data = _read(shell.ann_file)
            read = _read_detections if shell.bbox_file else _read_people
            columns = read(shell, data)
        # Its own error, with its own words, is raised by MMPose.
        except (_Unusual, KeyError, TypeError, ValueError, IndexError, OverflowError):
            return None
        columns.classes = _list_categories(data)
    return columns


def _read(path: str) -> Any:
    with open(path, 'rb') as file:
        return orjson.loads(file.read())


def _index(entries: list[dict]) -> dict[int, dict]:
    """id -> entry; ids are whole numbers, each there once."""
    found = {entry['id']: entry for entry in entries}
    if len(found) != len(entries) or not all(type(key) is int for key in found):
        raise _Unusual
    return found


def _list_categories(data: dict) -> list[dict] | None:
    if 'categories' not in data:
        return None
    by_id = {category['id']: category for category in data['categories']}
    return [by_id[category['id']] for category in data['categories']]


def _read_people(shell: Any, data: dict) -> PeopleColumns:
    images = _index(data['images'])
    _index(data['annotations'])
    by_image: dict[int, list[dict]] = {}
    for annotation in data['annotations']:
        annotation['category_id']  # KeyError: xtcocotools needs it of every annotation
        annotation.setdefault('iscrowd', False)  # as xtcocotools does
        by_image.setdefault(annotation['image_id'], []).append(annotation)
    interval = shell.sample_interval
    used = [
        (image, annotation)
        for key, image in images.items()
        if key % interval == 0
        for annotation in by_image.get(key, ())
        if 'bbox' in annotation and 'keypoints' in annotation
    ]
    used = _drop_unlabelled(used)
    boxes, areas = _clip_boxes(used)
    is_kept = (boxes[:, 2] - boxes[:, 0] > 0) & (boxes[:, 3] - boxes[:, 1] > 0)
    keypoints = _read_keypoints([annotation for _, annotation in used])
    counts = np.count_nonzero(keypoints[..., :2].max(axis=2), axis=1).tolist()
    num_keypoints = [
        annotation.get('num_keypoints', count)
        for (_, annotation), count in zip(used, counts, strict=True)
    ]
    is_kept &= np.array([number != 0 for number in num_keypoints], bool)
    is_kept &= keypoints[..., :2].max(axis=(1, 2), initial=-np.inf) > 0
    rows = _select(shell, np.flatnonzero(is_kept), np.ones(len(used), np.float32))
    kept = [used[row] for row in rows]
    paths = {key: _join(shell, image) for key, image in images.items()}
    found = [annotation for _, annotation in kept]
    values: dict[str, Any] = dict(
        img_id=[annotation['image_id'] for annotation in found],
        img_path=[paths[annotation['image_id']] for annotation in found],
        bbox=boxes[rows],
        bbox_score=np.ones(len(rows), np.float32),
        num_keypoints=[num_keypoints[row] for row in rows],
        keypoints=keypoints[rows, :, :2],
        keypoints_visible=np.minimum(1, keypoints[rows, :, 2]),
        area=areas[rows],
        iscrowd=[annotation['iscrowd'] for annotation in found],
        id=[annotation['id'] for annotation in found],
        category_id=[annotation['category_id'] for annotation in found],
    )
    if kept and all('crowdIndex' in image for image, _ in kept):
        values['crowd_index'] = [image['crowdIndex'] for image, _ in kept]
    raw = [pack_json(annotation) for annotation in found] if shell.test_mode else None
    return PeopleColumns(values, raw, _list_sizes(kept, paths))


def _drop_unlabelled(used: list[tuple[dict, dict]]) -> list[tuple[dict, dict]]:
    """Without crowds and people of no keypoint; their lists must be of sound lengths."""
    kept = []
    for pair in used:
        annotation = pair[1]
        if not annotation['iscrowd'] and annotation.get('num_keypoints') != 0:
            kept.append(pair)
        elif len(annotation['bbox']) != 4 or len(annotation['keypoints']) % 3:
            raise _Unusual
    return kept


def _clip_boxes(used: list[tuple[dict, dict]]) -> tuple[np.ndarray, np.ndarray]:
    """Pairs (image, annotation) -> (xyxy (n, 4), areas (n,)), float32."""
    found = [annotation['bbox'] for _, annotation in used]
    if any(len(box) != 4 for box in found):
        raise _Unusual
    boxes = _to_floats(found, 4)
    sizes = _to_floats([(i['width'], i['height']) for i, _ in used], 2)
    start = np.clip(boxes[:, :2], 0, sizes - 1)
    end = np.clip(boxes[:, :2] + boxes[:, 2:], 0, sizes - 1)
    extent = end - start
    guessed = np.clip(extent[:, 0] * extent[:, 1] * 0.53, 1.0, None)
    areas = [
        annotation.get('area', guess)
        for (_, annotation), guess in zip(used, guessed.tolist(), strict=True)
    ]
    return np.hstack([start, end]).astype(np.float32), np.array(areas, np.float32)


def _read_keypoints(annotations: list[dict]) -> np.ndarray:
    """n annotations -> (n, K, 3) float32."""
    lists = [annotation['keypoints'] for annotation in annotations]
    lengths = {len(values) for values in lists}
    if len(lengths) > 1:
        raise _Unusual
    length = lengths.pop() if lengths else 0
    if length == 0 or length % 3:
        raise _Unusual  # an empty dataset, too
    return _to_floats(lists, length).astype(np.float32).reshape(len(lists), -1, 3)


def _to_floats(lists: Sequence[Sequence[float]], length: int) -> np.ndarray:
    """n lists of one length -> (n, length) float64; np.array takes twice the time."""
    flat = np.fromiter(chain.from_iterable(lists), np.float64, length * len(lists))
    return flat.reshape(-1, length)


def _select(shell: Any, rows: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """`filter_data` and `indices`: rows of samples -> those that stay."""
    if shell.filter_cfg is not None and 'bbox_score_thr' in shell.filter_cfg:
        rows = rows[~(scores[rows] < shell.filter_cfg['bbox_score_thr'])]
    indices = shell._indices
    if indices is None:
        return rows
    if isinstance(indices, int):
        return rows[:indices] if indices >= 0 else rows[indices:]
    return rows[np.asarray(indices, np.int64)]


def _join(shell: Any, image: dict) -> str:
    return osp.join(shell.data_prefix['img'], image['file_name'])


def _list_sizes(
    kept: list[tuple[dict, dict]], paths: dict[int, str]
) -> dict[str, tuple[int, int]]:
    return {paths[i['id']]: (int(i['width']), int(i['height'])) for i, _ in kept}


def _read_detections(shell: Any, data: dict) -> PeopleColumns:
    images = _index(data['images'])
    for annotation in data.get('annotations', ()):
        annotation['category_id'], annotation['image_id'], annotation['id']
    detections = [d for d in _read(shell.bbox_file) if d['category_id'] == 1]
    if not detections:
        raise _Unusual
    boxes = np.array([d['bbox'][:4] for d in detections], np.float32).reshape(-1, 4)
    boxes[:, 2:] += boxes[:, :2]
    scores = np.array([d['score'] for d in detections], np.float32)
    if len(boxes) != len(detections) or scores.ndim != 1:
        raise _Unusual
    rows = _select(shell, np.arange(len(detections)), scores)
    kept = [(images[detections[row]['image_id']], detections[row]) for row in rows]
    if not all(d['image_id'] in images for d in detections):
        raise _Unusual
    paths = {key: _join(shell, image) for key, image in images.items()}
    count = shell.metainfo['num_keypoints']
    values: dict[str, Any] = dict(
        img_id=[detection['image_id'] for _, detection in kept],
        img_path=[paths[detection['image_id']] for _, detection in kept],
        bbox=boxes[rows],
        bbox_score=scores[rows],
        keypoints=np.zeros((len(rows), count, 2), np.float32),
        keypoints_visible=np.ones((len(rows), count), np.float32),
        id=rows,
    )
    return PeopleColumns(values, None, _list_sizes(kept, paths))
