"""Annotation files, read before a run starts."""

import os.path as osp
from typing import Any

from gm_pose.runs.checks.annotation_verdicts import AnnotationVerdict
from gm_pose.runs.checks.component import Dataset, Split
from gm_pose.runs.checks.data_files import join_root
from gm_pose.runs.checks.image_names import choose_images, find_missing_images
from gm_pose.runs.checks.outline import Outline
from gm_pose.runs.data_checks.annotation_table import AnnotationTable
from gm_pose.runs.data_checks.file_use import FileUse
from gm_pose.runs.data_checks.json_file import read_json
from gm_pose.runs.data_checks.rules import RULES, find_refusal
from gm_pose.runs.data_checks.schema import CocoFile, check_lists
from gm_pose.runs.host.xtcocotools import is_stand_in_installed
from gm_pose.runs.launch.processes import is_first_on_node
from gm_pose.runs.problem import Problem
from gm_pose.runs.user_errors import UserError

__all__ = ['check_annotation_files', 'find_annotation_file', 'read_use']


def check_annotation_files(outline: Outline) -> list[Problem]:
    """Read each split's annotation file; the first process of a machine does.

    Datasets other than MMPose's COCO-style ones are left to themselves, and files that
    do not exist to `check_data_files`.
    """
    if not is_first_on_node(outline.cfg.get('launcher', 'none')):
        return []
    cache_dir = (outline.cfg.get('fast_lane') or {}).get('cache_dir')
    found: list[Problem] = []
    for path, users in _find_users(outline).items():
        uses = [(*user, read_use(*user)) for user in users]
        verdict = AnnotationVerdict(path, uses, cache_dir)
        known = verdict.read_images()
        if known is not None:  # the images may be gone all the same
            for split, dataset, use in uses:
                if not _has_boxes_of_its_own(split, dataset) or use.is_evaluated:
                    found += find_missing_images(dataset, known)
            continue
        try:
            data = read_json(path, CocoFile)
            for split, dataset in users:
                problems = _check_file(split, dataset, data, path)
                found += problems
                if problems:
                    break
            else:
                verdict.keep(choose_images(data['images']))
        except UserError as error:
            found.append(Problem('', str(error)))
    return found


def _find_users(outline: Outline) -> dict[str, list[tuple[Split, Dataset]]]:
    """File -> the datasets that read it, and for what; equal ones once."""
    users: dict[str, list[tuple[Split, Dataset]]] = {}
    seen: list[tuple] = []
    for split in outline.splits:
        for dataset in split.datasets:
            path = find_annotation_file(dataset)
            key = (path, read_use(split, dataset), dataset.get('bbox_file'))
            if path is not None and key not in seen:
                seen.append(key)
                users.setdefault(path, []).append((split, dataset))
    return users


def read_use(split: Split, dataset: Dataset) -> FileUse:
    """What a split does with the file of its dataset."""
    metrics = [
        metric
        for metric in split.metrics
        if metric.get('type') == 'CocoMetric' and not metric.get('format_only')
    ]
    areas = [metric.get('use_area') is not False for metric in metrics]
    kinds = [metric.get('iou_type') or 'keypoints' for metric in metrics]
    return FileUse(
        is_evaluated=bool(metrics) and split.name != 'train',
        use_area=any(areas),
        iou_type=kinds[0] if kinds else 'keypoints',
        is_stand_in=is_stand_in_installed(),
        is_topdown=dataset.get('data_mode') in (None, 'topdown'),
        sample_interval=dataset.get('sample_interval') or 1,
    )


def find_annotation_file(dataset: Dataset) -> str | None:
    """The annotation file of a dataset in COCO's layout, if it is on the disk."""
    from mmpose.datasets.datasets.base import BaseCocoStyleDataset
    from mmpose.registry import DATASETS

    kind = DATASETS.get(dataset.get('type')) if dataset.get('type') else None
    if not isinstance(kind, type) or not issubclass(kind, BaseCocoStyleDataset):
        return None
    readers = ('_load_annotations', 'load_data_list', 'parse_data_info')
    if any(getattr(kind, n) is not getattr(BaseCocoStyleDataset, n) for n in readers):
        return None  # a layout of its own
    ann_file = dataset.get('ann_file')
    if not isinstance(ann_file, str):
        return None
    path = join_root(dataset, ann_file)
    return path if '://' not in path and osp.exists(path) else None


def _has_boxes_of_its_own(split: Split, dataset: Dataset) -> bool:
    """Whether the people come from a file of detections."""
    return bool(dataset.get('bbox_file')) and split.name != 'train'


def _check_file(split: Split, dataset: Dataset, data: Any, path: str) -> list[Problem]:
    use = read_use(split, dataset)
    rules = None
    if _has_boxes_of_its_own(split, dataset):
        check_lists(data, path, ('images',))
        problems = _check_scored(split, data, path)
        if problems or not use.is_evaluated:
            return problems
        rules = [rule for rule in RULES if rule.of_evaluation and rule.explain]
    check_lists(data, path, ('images', 'annotations', 'categories'))
    try:
        count = dataset.num_keypoints
    except FileNotFoundError:  # `check_keypoint_count` reports it
        count = None
    table = AnnotationTable(data, count, needs=('keypoints', 'bbox'), use=use)
    problem = find_refusal(table, path, rules)
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
