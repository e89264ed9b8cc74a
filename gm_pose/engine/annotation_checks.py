"""Annotation and detection files, read before a run starts."""

import json
from typing import Any

from mmengine.config import Config

from gm_pose.engine.config_tree import iter_datasets
from gm_pose.engine.shape_checks import get_keypoint_count
from gm_pose.engine.user_errors import UserError

__all__ = [
    'check_annotation_files',
    'check_coco_frame',
    'check_coco_layout',
    'read_json',
]

MAX_BYTES = 8_000_000_000
"""Largest annotation file accepted: COCO train2017 has 2.4e8, Objects365 5e9 bytes."""


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
_FIELDS = {
    'images': ('id', 'file_name', 'width', 'height'),
    'annotations': ('id', 'image_id', 'category_id'),
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
        fields = _FIELDS[name]
        if not data[name]:
            raise UserError(f'{path}: the list `{name}` is empty: {_REMEDY}')
        for index, entry in enumerate(data[name]):
            for field in fields:
                if not isinstance(entry, dict) or field not in entry:
                    raise UserError(
                        f'{path}: {name}[{index}] has no `{field}`: {_REMEDY}'
                    )


def check_coco_layout(data: Any, path: str) -> None:
    """`check_coco_frame`, and every annotation belongs to an image of the file."""
    check_coco_frame(data, path)
    known = {image['id'] for image in data['images']}
    for index, entry in enumerate(data['annotations']):
        if entry['image_id'] not in known:
            raise UserError(
                f'{path}: annotations[{index}] belongs to image {entry["image_id"]!r}, '
                'which is not in `images`: the file is a mix of two, or half of one'
            )


def check_annotation_files(cfg: Config, splits: tuple[str, ...]) -> None:
    """Read each split's annotation file; raise UserError for the first bad one.

    Datasets other than MMPose's COCO-style ones are left to themselves.
    """
    from mmpose.datasets.datasets.base import BaseCocoStyleDataset
    from mmpose.registry import DATASETS

    from gm_pose.engine.preflight import join_root

    checked = set()
    datasets = [
        (split, dataset) for split in splits for _, dataset in iter_datasets(cfg, split)
    ]
    for split, dataset in datasets:
        kind = DATASETS.get(dataset.get('type', ''))
        if not isinstance(kind, type) or not issubclass(kind, BaseCocoStyleDataset):
            continue
        if '_load_annotations' in kind.__dict__ or 'load_data_list' in kind.__dict__:
            continue  # a layout of its own
        path = join_root(dataset, dataset['ann_file'])
        if '://' in path or path in checked:
            continue
        checked.add(path)
        data = read_json(path)
        bbox_file = dataset.get('bbox_file')
        if bbox_file and split != 'train':  # the people come from that file
            _check_images(cfg, split, data, path)
            if '://' not in bbox_file:
                _check_detections(bbox_file)
        else:
            check_coco_layout(data, path)
            _check_people(data, path, get_keypoint_count(dataset))


def _check_images(cfg: Config, split: str, data: Any, path: str) -> None:
    """Raise UserError if a file cannot be evaluated on with detected boxes.

    COCO's image_info_test-dev2017.json has no annotations: predictions can be written
    for its server and not be scored here.
    """
    check_coco_frame(data, path, ('images',))
    evaluator = cfg.get(f'{split}_evaluator') or []
    for metric in evaluator if isinstance(evaluator, list) else [evaluator]:
        scores = metric.get('type') == 'CocoMetric' and not metric.get('format_only')
        if scores and 'annotations' not in data:
            raise UserError(
                f'{path} has no list `annotations`, so predictions cannot be scored: set '
                f'{split}_evaluator.format_only=True and '
                f'{split}_evaluator.outfile_prefix to write them to a file'
            )


def _check_people(data: dict, path: str, count: int | None) -> None:
    """Raise UserError if no person has keypoints, or one has another number of them."""
    people = 0
    for entry in data['annotations']:
        keypoints = entry.get('keypoints')
        if keypoints is None or 'bbox' not in entry:
            continue
        if not isinstance(keypoints, list) or len(keypoints) % 3:
            found = f'{len(keypoints)}' if isinstance(keypoints, list) else 'no list of'
            raise UserError(
                f'{path}: annotation {entry["id"]} has {found} numbers in `keypoints`, '
                'and x, y, visibility of each joint are wanted: correct it or leave it out'
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


def _check_detections(path: str) -> None:
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
