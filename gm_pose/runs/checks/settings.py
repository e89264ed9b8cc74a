"""Numbers of a training config that are wrong whatever the model is."""

import inspect
from collections.abc import Callable
from typing import Any

from mmengine.config import Config

from gm_pose.runs.checks.codec_agreement import iter_codec_places
from gm_pose.runs.user_errors import UserError

__all__ = [
    'check_evaluation_settings',
    'check_model_section',
    'check_training_settings',
]


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1


def _is_worker_count(value: Any) -> bool:
    return value == 0 or _is_count(value)


# config path -> (test, what it has to be). A path that the config lacks is not tested.
_RULES: dict[str, tuple[Callable[[Any], bool], str]] = {
    'train_dataloader.batch_size': (_is_count, 'a whole number of at least 1'),
    'train_dataloader.num_workers': (_is_worker_count, 'a whole number of at least 0'),
    'val_dataloader.batch_size': (_is_count, 'a whole number of at least 1'),
    'val_dataloader.num_workers': (_is_worker_count, 'a whole number of at least 0'),
    'train_cfg.max_epochs': (_is_count, 'a whole number of at least 1'),
    'train_cfg.max_iters': (_is_count, 'a whole number of at least 1'),
    'train_cfg.val_interval': (_is_count, 'a whole number of at least 1'),
    'optim_wrapper.accumulative_counts': (_is_count, 'a whole number of at least 1'),
    'optim_wrapper.optimizer.lr': (
        lambda lr: isinstance(lr, (int, float)) and 0 < lr < float('inf'),
        'a positive number',
    ),
    'randomness.seed': (
        lambda seed: seed is None or _is_worker_count(seed),
        'a whole number of at least 0, or None',
    ),
    'default_hooks.checkpoint.interval': (
        lambda interval: interval == -1 or _is_count(interval),
        'a whole number of at least 1, or -1 for never',
    ),
}


def check_model_section(cfg: Config) -> None:
    """Raise UserError where `model` or its head is something else than a dict."""
    model = cfg.get('model')
    head = model.get('head') if isinstance(model, dict) else None
    for path, node in (('model', model), ('model.head', head)):
        if node is not None and not isinstance(node, dict):
            raise UserError(f'{path} is {node!r}: give a dict with a `type`')


def check_evaluation_settings(cfg: Config, split: str) -> None:
    """Raise UserError if some of what evaluates a split ('val', 'test') is missing."""
    sections = [f'{split}_dataloader', f'{split}_cfg', f'{split}_evaluator']
    missing = [name for name in sections if cfg.get(name) is None]
    if missing and (split == 'test' or len(missing) < len(sections)):
        raise UserError(
            f'the config has no {" and no ".join(missing)}: evaluation needs '
            f'{", ".join(sections)}'
            + (', or set all three to None for none' if split == 'val' else '')
        )


def check_training_settings(cfg: Config) -> None:
    """Raise UserError for a missing section or a number that cannot be meant.

    `persistent_workers` without workers is one: PyTorch refuses it late, and a base
    config that sets it makes `num_workers=0` alone fail.
    """
    for section in ('train_dataloader', 'train_cfg', 'optim_wrapper'):
        if not isinstance(cfg.get(section), dict):
            raise UserError(
                f'the config has no {section}: training needs train_dataloader, train_cfg '
                'and optim_wrapper; give a config that trains'
            )
    for path, (is_right, wanted) in _RULES.items():
        node: Any = cfg
        for key in path.split('.'):
            node = node.get(key) if isinstance(node, dict) or node is cfg else None
            if node is None:
                break
        if node is not None and not is_right(node):
            raise UserError(f'{path}={node!r}: it has to be {wanted}')
    check_evaluation_settings(cfg, 'val')
    _check_balance(cfg)
    for split in ('train', 'val'):
        loader = cfg.get(f'{split}_dataloader') or {}
        if loader.get('persistent_workers') and loader.get('num_workers') == 0:
            raise UserError(
                f'{split}_dataloader.num_workers=0 with persistent_workers=True: set '
                f'{split}_dataloader.persistent_workers=False too'
            )


def _check_balance(cfg: Config) -> None:
    """Raise UserError where the loss would ignore the codec's `balance_weights`."""
    from mmpose.registry import MODELS

    loss = ((cfg.get('model') or {}).get('head') or {}).get('loss') or {}
    encoders = [
        value for path, value in iter_codec_places(cfg) if path.startswith('train_')
    ]
    balanced = any(
        isinstance(codec, dict) and codec.get('balance_weights')
        for codec in [cfg.get('codec'), *encoders]
    )
    if not balanced or not isinstance(loss, dict) or type(loss.get('type')) is not str:
        return
    kind = MODELS.get(loss['type'].removeprefix('mmpose.'))
    option = 'use_target_weight'
    known = {} if kind is None else inspect.signature(kind).parameters
    if option in known and not loss.get(option, known[option].default):
        raise UserError(
            f'codec.balance_weights=True has no effect with {loss["type"]}('
            f'{option}=False), which ignores the weights of the joints: set '
            f'model.head.loss.{option}=True'
        )
