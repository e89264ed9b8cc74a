"""Config + candidate + seed -> the config of one run."""

from __future__ import annotations

import copy
import hashlib
import json
from typing import TYPE_CHECKING, Any

from gm_pose.runs.checks.outline import find_metrics
from gm_pose.runs.user_errors import UserError
from gm_pose.sweep.candidate import Candidate
from gm_pose.sweep.part_files import Part

if TYPE_CHECKING:
    from mmengine.config import Config

__all__ = ['build_run_config', 'hash_config', 'set_part']

CHECKPOINTS_PER_RUN = 10
# Arguments of `CocoMetric` that decide scores, and who is suppressed.
_SCORING = (
    'use_area',
    'score_mode',
    'keypoint_score_thr',
    'nms_mode',
    'nms_thr',
    'pred_converter',
    'gt_converter',
)


def build_run_config(
    base: Config, candidate: Candidate, seed: int, parts: dict[str, Part], fast: bool
) -> Config:
    """The sweep's config with this candidate's targets, this seed, and the sweep's parts.

    Nothing else that decides the weights is changed. It trains to its end without
    validation: the last weights are measured, not those that were best on some part.

    Args:
        base: merged config.
        candidate: whose sigmas.
        seed: of the weights, and of order and crops of the images.
        parts: of the data.
        fast: on the fast lane where it recognises the config.

    Raises:
        UserError: the codec or the config does not take such sigmas.
    """
    from gm_pose.codecs.with_codec import with_codec

    cfg = copy.deepcopy(base)
    try:
        with_codec(cfg, **candidate.codec_options)
    except (ValueError, TypeError) as error:
        raise UserError(f'candidate {candidate.name}: {error}') from error
    loader = cfg.get('test_dataloader') or cfg.get('val_dataloader')
    if loader is None:
        raise UserError(
            'the config has no test_dataloader; expected one, whose pipeline evaluates'
        )
    metric = _find_scoring(cfg)
    cfg.val_cfg = cfg.val_dataloader = cfg.val_evaluator = None
    cfg.test_cfg = cfg.get('test_cfg') or {}
    cfg.test_dataloader = copy.deepcopy(loader)
    cfg.test_evaluator = dict(type='CocoMetric', format_only=True, **metric)
    cfg.test_dataloader.dataset.update(test_mode=True, bbox_file=None)
    cfg.train_dataloader.dataset.update(_locate(parts['train']))
    set_part(cfg, parts['choose'])
    cfg.randomness = dict(cfg.get('randomness') or {}, seed=seed)
    cfg.resume = False
    _keep_last_checkpoint(cfg)
    if not fast:
        cfg.fast_lane = None
    elif cfg.get('fast_lane') is None:
        cfg.fast_lane = {}
    return cfg


def set_part(cfg: Config, part: Part) -> None:
    """Let a run's test predict the people of a part."""
    cfg.test_dataloader.dataset.update(_locate(part))
    cfg.test_evaluator.ann_file = part.annotations


def _locate(part: Part) -> dict[str, Any]:
    return dict(ann_file=part.annotations, data_prefix=dict(img=part.images + '/'))


def _find_scoring(cfg: Config) -> dict[str, Any]:
    """What the config's `CocoMetric` says about scores; nothing where it has none."""
    for split in ('test', 'val'):
        if cfg.get(f'{split}_evaluator') is None:
            continue
        for metric in find_metrics(cfg, split):
            if metric.get('type') in ('CocoMetric', 'FastCocoMetric'):
                return {k: v for k, v in metric.config.items() if k in _SCORING}
    return {}


def _keep_last_checkpoint(cfg: Config) -> None:
    """Enough checkpoints to go on from, and only the newest kept."""
    hook = cfg.setdefault('default_hooks', {}).setdefault(
        'checkpoint', dict(type='CheckpointHook', interval=1)
    )
    hook.update(save_best=None, max_keep_ckpts=1, save_last=True)
    if hook.get('by_epoch', True):
        length = cfg.train_cfg.get('max_epochs') or 1
        often = max(length // CHECKPOINTS_PER_RUN, 1)
        hook['interval'] = min(hook.get('interval', 1), often)


def hash_config(cfg: Config) -> str:
    """First 16 hex digits of the SHA-256 of a config, its work directory left out."""
    content = {k: v for k, v in cfg.to_dict().items() if k != 'work_dir'}
    text = json.dumps(content, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
