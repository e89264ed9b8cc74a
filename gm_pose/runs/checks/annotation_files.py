"""Annotation files, read before a run starts."""

import os.path as osp
from typing import Any

from gm_pose.runs.checks.component import Dataset, Split
from gm_pose.runs.checks.data_files import join_root
from gm_pose.runs.checks.image_names import find_missing_images
from gm_pose.runs.checks.outline import Outline
from gm_pose.runs.data_checks.annotation_table import AnnotationTable
from gm_pose.runs.data_checks.json_file import read_json
from gm_pose.runs.data_checks.rules import find_refusal
from gm_pose.runs.data_checks.schema import check_lists
from gm_pose.runs.launch.processes import is_first_on_node
from gm_pose.runs.problem import Problem
from gm_pose.runs.user_errors import UserError

__all__ = ['check_annotation_files']


def check_annotation_files(outline: Outline) -> list[Problem]:
    """Read each split's annotation file; the first process of a machine does.

    Datasets other than MMPose's COCO-style ones are left to themselves, and files that
    do not exist to `check_data_files`.
    """
    if not is_first_on_node(outline.cfg.get('launcher', 'none')):
        return []
    found, seen = [], set()
    for split in outline.splits:
        for dataset in split.datasets:
            path = _find_file(dataset)
            if path is None or path in seen:
                continue
            seen.add(path)
            try:
                found += _check_file(split, dataset, path)
            except UserError as error:
                found.append(Problem('', str(error)))
    return found


def _find_file(dataset: Dataset) -> str | None:
    """The annotation file of a dataset in COCO's layout, if it is on the disk."""
    from mmpose.datasets.datasets.base import BaseCocoStyleDataset
    from mmpose.registry import DATASETS

    kind = DATASETS.get(dataset.get('type')) if dataset.get('type') else None
    if not isinstance(kind, type) or not issubclass(kind, BaseCocoStyleDataset):
        return None
    if '_load_annotations' in kind.__dict__ or 'load_data_list' in kind.__dict__:
        return None  # a layout of its own
    ann_file = dataset.get('ann_file')
    if not isinstance(ann_file, str):
        return None
    path = join_root(dataset, ann_file)
    return path if '://' not in path and osp.exists(path) else None


def _check_file(split: Split, dataset: Dataset, path: str) -> list[Problem]:
    data = read_json(path)
    bbox_file = dataset.get('bbox_file')
    if bbox_file and split.name != 'train':  # the people come from that file
        check_lists(data, path, ('images',))
        return _check_scored(split, data, path)
    check_lists(data, path, ('images', 'annotations', 'categories'))
    try:
        count = dataset.num_keypoints
    except FileNotFoundError:  # `check_keypoint_count` reports it
        count = None
    problem = find_refusal(
        AnnotationTable(data, count, needs=('keypoints', 'bbox')), path
    )
    missing = find_missing_images(dataset, data['images'])
    return missing if problem is None else [problem, *missing]


def _check_scored(split: Split, data: Any, path: str) -> list[Problem]:
    """A file without annotations is not evaluated on.

    COCO's image_info_test-dev2017.json has none: predictions can be written for its
    server and not be scored here.
    """
    return [
        Problem(
            path,
            'has no list `annotations`, so predictions cannot be scored',
            f'set {metric.path}.format_only=True and {metric.path}.outfile_prefix to '
            'write them to a file',
        )
        for metric in split.metrics
        if metric.get('type') == 'CocoMetric'
        and not metric.get('format_only')
        and 'annotations' not in data
    ]
