"""Detected boxes that a run evaluates on, read before it starts."""

import os.path as osp
from typing import Any

from gm_pose.runs.checks.component import Dataset
from gm_pose.runs.checks.data_files import join_root
from gm_pose.runs.checks.outline import Outline
from gm_pose.runs.data_checks.detection_rules import check_detections
from gm_pose.runs.data_checks.json_file import read_json
from gm_pose.runs.data_checks.schema import check_lists
from gm_pose.runs.launch.processes import is_first_on_node
from gm_pose.runs.problem import Problem
from gm_pose.runs.user_errors import UserError

__all__ = ['check_detection_files', 'read_score_threshold']


def check_detection_files(outline: Outline) -> list[Problem]:
    """Read each detection file; the first process of a machine does.

    How many boxes will be used, and why the others will not, goes to ``outline.notes``.
    Datasets that read detections in a way of their own are left to themselves.
    """
    if not is_first_on_node(outline.cfg.get('launcher', 'none')):
        return []
    found, seen = [], set()
    for split in outline.splits:
        for dataset in split.datasets if split.name != 'train' else ():
            key = _find_files(dataset)
            if key is None or key in seen:
                continue
            seen.add(key)
            try:
                problems, note = _check_file(*key)
            except UserError as error:
                found.append(Problem('', str(error)))
                continue
            found += problems
            if note:
                outline.notes.append(note)
    return found


def _find_files(dataset: Dataset) -> tuple[str, str, float] | None:
    """(detection file, annotation file, lowest score) if MMPose reads them from disk."""
    from mmpose.datasets.datasets.base import BaseCocoStyleDataset
    from mmpose.registry import DATASETS

    kind = DATASETS.get(dataset.get('type')) if dataset.get('type') else None
    if not isinstance(kind, type) or not issubclass(kind, BaseCocoStyleDataset):
        return None
    for name in ('load_data_list', '_load_detection_results'):
        if getattr(kind, name) is not getattr(BaseCocoStyleDataset, name):
            return None
    boxes, annotations = dataset.get('bbox_file'), dataset.get('ann_file')
    if not isinstance(boxes, str) or not isinstance(annotations, str):
        return None
    annotations = join_root(dataset, annotations)
    for path in (boxes, annotations):
        if '://' in path or not osp.isfile(path):
            return None  # `check_data_files` reports what is missing
    if not boxes.endswith('.json'):
        return None  # MMEngine reads .pkl and .yaml too
    return boxes, annotations, read_score_threshold(dataset)


def read_score_threshold(dataset: Dataset) -> float:
    """`filter_cfg.bbox_score_thr`: boxes of a lower score are left out."""
    options = dataset.get('filter_cfg')
    threshold = options.get('bbox_score_thr') if isinstance(options, dict) else None
    return float('-inf') if threshold is None else float(threshold)


def _check_file(
    boxes: str, annotations: str, min_score: float
) -> tuple[list[Problem], str]:
    try:
        data: Any = read_json(annotations)
        check_lists(data, annotations, ('images',))
    except UserError:  # `check_annotation_files` reports it
        return [], ''
    return check_detections(boxes, data, annotations, min_score)
