"""Checks made before a run starts, so that a missing file is told in one sentence."""

import os.path as osp

from mmengine.config import Config

from gm_pose.runs.checks.config_tree import iter_datasets, iter_dicts, iter_metrics
from gm_pose.runs.user_errors import UserError

__all__ = [
    'check_data_files',
    'check_pretrained_files',
    'join_root',
]

_ROOT_HINT = (
    'set the environment variable COCO_ROOT to the folder that holds annotations/, '
    'train2017/ and val2017/ (gm_pose configs), or override data_root with --cfg-options'
)
_BOX_HINT = (
    "download COCO_val2017_detections_AP_H_56_person.json as MMPose's data page says, "
    'or evaluate on ground-truth boxes with --gt-boxes '
    '(the same as val_dataloader.dataset.bbox_file=None '
    'test_dataloader.dataset.bbox_file=None)'
)


def join_root(dataset: dict, path: str) -> str:
    """A dataset's file or folder, below its data_root if it is relative."""
    root = dataset.get('data_root') or ''
    return path if osp.isabs(path) or '://' in path else osp.join(root, path)


def _is_missing(path: str) -> bool:
    return bool(path) and '://' not in path and not osp.exists(path)


def check_data_files(cfg: Config, splits: tuple[str, ...]) -> None:
    """Raise UserError for the first data file or folder that does not exist.

    Args:
        cfg: merged config.
        splits: which of 'train', 'val', 'test' the run uses.
    """
    for split in splits:
        for path, dataset in iter_datasets(cfg, split):
            if 'ann_file' not in dataset:
                continue  # a wrapper
            if not isinstance(dataset['ann_file'], str):
                raise UserError(
                    f'{path}.ann_file is {dataset["ann_file"]!r}: give the path of an '
                    'annotation file'
                )
            ann_file = join_root(dataset, dataset['ann_file'])
            if _is_missing(ann_file):
                raise UserError(
                    f'{path}.ann_file: {ann_file} does not exist: {_ROOT_HINT}'
                )
            for name, prefix in (dataset.get('data_prefix') or {}).items():
                folder = join_root(dataset, prefix)
                if _is_missing(folder):
                    raise UserError(
                        f'{path}.data_prefix.{name}: {folder} does not exist: '
                        f'{_ROOT_HINT}'
                    )
            bbox_file = dataset.get('bbox_file')
            if bbox_file and _is_missing(bbox_file):
                raise UserError(
                    f'{path}.bbox_file: {bbox_file} does not exist: {_BOX_HINT}'
                )
        for path, metric in iter_metrics(cfg, split):
            ann_file = metric.get('ann_file') if isinstance(metric, dict) else None
            if ann_file and _is_missing(ann_file):
                raise UserError(
                    f'{path}.ann_file: {ann_file} does not exist: {_ROOT_HINT}'
                )


def check_pretrained_files(cfg: Config) -> None:
    """Raise UserError for a pretrained weight on disk that does not exist."""
    for path, part in iter_dicts(cfg.get('model'), 'model'):
        checkpoint = part.get('checkpoint') if part.get('type') == 'Pretrained' else ''
        if _is_missing(checkpoint):
            raise UserError(
                f'{path}.checkpoint: {checkpoint} does not exist: name another file with '
                f'--cfg-options {path}.checkpoint=FILE, or train from scratch with '
                f'--cfg-options {path}=None'
            )
