"""Annotation and detection files, read before a run starts."""

from typing import Any

from mmengine.config import Config

from gm_pose.runs.checks.config_tree import iter_datasets, iter_metrics
from gm_pose.runs.checks.shapes import get_keypoint_count
from gm_pose.runs.data_checks.coco_layout import (
    check_coco_frame,
    check_coco_layout,
    check_detections,
    check_people,
    read_json,
)
from gm_pose.runs.user_errors import UserError

__all__ = ['check_annotation_files']


def check_annotation_files(cfg: Config, splits: tuple[str, ...]) -> None:
    """Read each split's annotation file; raise UserError for the first bad one.

    Datasets other than MMPose's COCO-style ones are left to themselves.
    """
    from mmpose.datasets.datasets.base import BaseCocoStyleDataset
    from mmpose.registry import DATASETS

    from gm_pose.runs.checks.data_files import join_root

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
                check_detections(bbox_file)
        else:
            check_coco_layout(data, path)
            check_people(data, path, get_keypoint_count(dataset))


def _check_images(cfg: Config, split: str, data: Any, path: str) -> None:
    """Raise UserError if a file cannot be evaluated on with detected boxes.

    COCO's image_info_test-dev2017.json has no annotations: predictions can be written
    for its server and not be scored here.
    """
    check_coco_frame(data, path, ('images',))
    for place, metric in iter_metrics(cfg, split):
        if not isinstance(metric, dict):
            continue  # built already
        scores = metric.get('type') == 'CocoMetric' and not metric.get('format_only')
        if scores and 'annotations' not in data:
            raise UserError(
                f'{path} has no list `annotations`, so predictions cannot be scored: set '
                f'{place}.format_only=True and {place}.outfile_prefix to write them to '
                'a file'
            )
