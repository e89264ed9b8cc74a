"""Build the parts of a config before a run starts, so that a typo writes nothing.

MMEngine's Runner makes the work directory and a log first and builds the parts later,
the data loader last: a misspelt argument of a transform is found after minutes, in a
traceback of fifty lines.
"""

import copy
from typing import Any

import torch
from mmengine.config import Config
from mmengine.dataset import BaseDataset
from mmengine.registry import init_default_scope
from mmpose import registry

from gm_pose.runs.checks.component_arguments import (
    MISTAKES,
    build_component,
    check_arguments,
    explain_mistake,
)
from gm_pose.runs.checks.config_tree import iter_datasets, iter_dicts, iter_metrics
from gm_pose.runs.resume.rng_state import preserve_rng
from gm_pose.runs.user_errors import UserError

__all__ = ['build_model_outline', 'check_components', 'check_import']


def check_components(cfg: Config, splits: tuple[str, ...]) -> torch.nn.Module:
    """Build everything but the data; raise UserError for what cannot be built.

    Args:
        cfg: merged config, before `add_run_defaults`.
        splits: 'train', 'val', 'test': those the run uses.

    Returns:
        The model's outline (see `build_model_outline`).
    """
    init_default_scope(cfg.get('default_scope', 'mmpose'))
    if isinstance(cfg.get('codec'), dict):
        build_component(registry.KEYPOINT_CODECS, cfg.codec, 'codec')
    model = build_model_outline(cfg)
    for split in splits:
        _check_loader(cfg, split)
        if split != 'train':
            _check_evaluator(cfg, split)
    if 'train' in splits:
        _check_optimizer(cfg)
        _check_schedulers(cfg)
        for name, hook in (cfg.get('default_hooks') or {}).items():
            if hook is not None:
                _check_hook(hook, f'default_hooks.{name}')
        for index, hook in enumerate(cfg.get('custom_hooks') or []):
            _check_hook(hook, f'custom_hooks.{index}')
    return model


def build_model_outline(cfg: Config) -> torch.nn.Module:
    """The config's model without memory for its weights (on the meta device).

    A model that cannot be built that way is built on the CPU.

    Raises:
        UserError: it cannot be built at all.
    """
    if not isinstance(cfg.get('model'), dict):
        raise UserError('the config has no `model`: give a config that trains a model')
    for name in ('neck', 'head'):  # alone first: the message then names the part
        if isinstance(cfg.model.get(name), dict):
            build_component(registry.MODELS, cfg.model[name], f'model.{name}')
    model = copy.deepcopy(cfg.model)
    if 'preprocess_cfg' in cfg:
        model.setdefault('data_preprocessor', copy.deepcopy(cfg.preprocess_cfg))
    try:
        with preserve_rng(), torch.device('meta'):
            return registry.MODELS.build(copy.deepcopy(model))
    except Exception:  # any reason: what counts is whether the CPU can
        return build_component(registry.MODELS, model, 'model')


def check_import(cfg: Config, path: str) -> None:
    """Raise UserError if the config uses a part of gm_pose and does not import it.

    The tools would find the part, but not who loads the model from the dumped config.
    """
    imports = (cfg.get('custom_imports') or {}).get('imports') or []
    imports = [imports] if isinstance(imports, str) else imports
    if any(str(name).split('.')[0] == 'gm_pose' for name in imports):
        return
    for parts in (registry.MODELS, registry.KEYPOINT_CODECS, registry.HOOKS):
        parts.import_from_location()
    for place, part in iter_dicts(cfg._cfg_dict):
        name = part.get('type')
        for parts in (registry.MODELS, registry.KEYPOINT_CODECS, registry.HOOKS):
            known = parts.module_dict.get(name) if isinstance(name, str) else None
            if known is not None and known.__module__.split('.')[0] == 'gm_pose':
                raise UserError(
                    f'config {path} uses {name} ({place or "top level"}) and does not '
                    "import gm_pose: add custom_imports = dict(imports=['gm_pose'])"
                )


def _check_loader(cfg: Config, split: str) -> None:
    """Check a split's datasets, wrappers and all, and its sampler."""
    loader = cfg.get(f'{split}_dataloader') or {}
    if loader and not isinstance(loader.get('dataset'), dict):
        raise UserError(
            f'{split}_dataloader.dataset is {loader.get("dataset")!r}: give a dict with '
            'a `type`'
        )
    for path, dataset in iter_datasets(cfg, split):
        check_arguments(registry.DATASETS, dataset, path)
        for index, step in enumerate(dataset.get('pipeline') or []):
            build_component(registry.TRANSFORMS, step, f'{path}.pipeline.{index}')
        kind = registry.DATASETS.get(dataset['type'])
        is_lazy = isinstance(kind, type) and issubclass(kind, BaseDataset)
        if is_lazy and 'ann_file' in dataset:  # its annotations are left for later
            lazy = dict(dataset, lazy_init=True, pipeline=[])
            build_component(registry.DATASETS, lazy, path)
    if isinstance(loader.get('sampler'), dict):
        place = f'{split}_dataloader.sampler'
        check_arguments(registry.DATA_SAMPLERS, loader['sampler'], place)


def _check_hook(hook: Any, place: str) -> None:
    """Check a hook's arguments, and build it where that is known to do nothing else."""
    check_arguments(registry.HOOKS, hook, place)
    kind = registry.HOOKS.get(hook['type']) if isinstance(hook, dict) else None
    if kind is not None and kind.__module__.split('.')[0] in ('gm_pose', 'mmengine'):
        arguments = {key: value for key, value in hook.items() if key != 'priority'}
        build_component(registry.HOOKS, arguments, place)


def _check_optimizer(cfg: Config) -> None:
    optimizer = (cfg.get('optim_wrapper') or {}).get('optimizer')
    if not isinstance(optimizer, dict) or 'constructor' in cfg.optim_wrapper:
        return
    place = 'optim_wrapper.optimizer'
    arguments = dict(optimizer, params=[torch.nn.Parameter(torch.zeros(1))])
    check_arguments(registry.OPTIMIZERS, optimizer, place)
    try:
        registry.OPTIMIZERS.build(arguments)
    except MISTAKES as error:
        raise explain_mistake(error, place) from error


def _check_schedulers(cfg: Config) -> None:
    schedulers = cfg.get('param_scheduler') or []
    if isinstance(schedulers, dict):
        schedulers = [schedulers]
    for index, scheduler in enumerate(schedulers):
        place = f'param_scheduler.{index}'
        check_arguments(registry.PARAM_SCHEDULERS, scheduler, place)


def _check_evaluator(cfg: Config, split: str) -> None:
    """Check a split's metrics, and the evaluator that wraps them if it names one."""
    evaluator, place = cfg.get(f'{split}_evaluator'), f'{split}_evaluator'
    if isinstance(evaluator, tuple):
        raise UserError(f'{place} is a tuple: give a list of metrics')
    if isinstance(evaluator, dict) and 'metrics' in evaluator:
        named = {'type': 'Evaluator', **evaluator}  # the Runner's default
        check_arguments(registry.EVALUATORS, named, place)
    for path, metric in iter_metrics(cfg, split):
        check_arguments(registry.METRICS, metric, path)
