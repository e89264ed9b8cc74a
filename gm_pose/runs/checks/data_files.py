"""Files and folders that a config names exist."""

import os.path as osp
from collections.abc import Iterator
from typing import Any

from gm_pose.runs.checks.component import Component, Dataset
from gm_pose.runs.checks.outline import Outline
from gm_pose.runs.problem import Problem

__all__ = ['check_data_files', 'check_pretrained_files', 'join_root']

_ROOT_FIX = (
    'set COCO_ROOT (gm_pose configs) or --cfg-options data_root=FOLDER to the folder of '
    'annotations/, train2017/ and val2017/'
)
_BOX_FIX = (
    "download COCO_val2017_detections_AP_H_56_person.json (MMPose's data page), or use "
    '--gt-boxes'
)


def join_root(dataset: Component, path: str) -> str:
    """A dataset's file or folder, below its data_root if it is relative."""
    root = dataset.get('data_root') or ''
    return path if osp.isabs(path) or '://' in path else osp.join(root, path)


def check_data_files(outline: Outline) -> list[Problem]:
    """Annotations, image folders and detected boxes exist."""
    found: list[Problem] = []
    images = outline.get('fast_lane.images')
    is_streamed = isinstance(images, str) and images.startswith('stream:')
    for split in outline.splits:
        for dataset in split.datasets:
            if 'ann_file' in dataset.config:  # else a wrapper
                found += _check_dataset(dataset, not is_streamed)
        for metric in split.metrics:
            found += _check(f'{metric.path}.ann_file', metric.get('ann_file'))
    return found


def check_pretrained_files(outline: Outline) -> list[Problem]:
    """Pretrained weights on the disk exist."""
    found: list[Problem] = []
    for place in outline.typed:
        if place.get('type') == 'Pretrained' and place.path.startswith('model.'):
            fix = (
                f'name another file with --cfg-options {place.path}.checkpoint=FILE, or '
                f'train from scratch with {place.path}=None'
            )
            found += _check(f'{place.path}.checkpoint', place.get('checkpoint'), fix)
    return found


def _check_dataset(dataset: Dataset, needs_images: bool) -> Iterator[Problem]:
    path, ann_file = dataset.path, dataset.get('ann_file')
    if not isinstance(ann_file, str):
        yield Problem(
            f'{path}.ann_file', f'is {ann_file!r}; expected the path of a file'
        )
        return
    yield from _check_file(dataset, f'{path}.ann_file', ann_file)
    prefixes = (dataset.get('data_prefix') or {}) if needs_images else {}
    for name, prefix in prefixes.items():
        yield from _check_file(dataset, f'{path}.data_prefix.{name}', prefix)
    yield from _check(f'{path}.bbox_file', dataset.get('bbox_file'), _BOX_FIX)


def _check_file(dataset: Dataset, place: str, path: str) -> Iterator[Problem]:
    # a config without a root, as `gm_pose new-dataset` writes it, has no other one to give
    own = f'--cfg-options {place}=PATH, or correct it in the config'
    fix = _ROOT_FIX if dataset.get('data_root') else own
    yield from _check(place, join_root(dataset, path), fix)


def _check(place: str, name: Any, fix: str = _ROOT_FIX) -> Iterator[Problem]:
    if isinstance(name, str) and name and '://' not in name and not osp.exists(name):
        yield Problem(place, f'is {name}, which does not exist', fix)
