"""Build the parts of a config before a run starts, so that a typo writes nothing.

MMEngine's Runner makes the work directory and a log first and builds the parts later,
the data loader last: a misspelt argument of a transform is found after minutes, in a
traceback of fifty lines.
"""

import copy
import difflib
import inspect
import re
from collections.abc import Iterator
from typing import Any

import torch
from mmengine.config import Config
from mmengine.registry import Registry, init_default_scope
from mmpose import registry

from gm_pose.engine.rng_state import preserve_rng
from gm_pose.engine.user_errors import UserError

__all__ = ['build_model_outline', 'check_import', 'check_parts']

_MISTAKES = (AssertionError, AttributeError, ImportError, LookupError, OSError,
             TypeError, ValueError)  # fmt: skip
_COMMON = ('type', '_scope_', 'priority')  # `priority`: any hook's, read by the Runner
_UNKNOWN_TYPE = re.compile(r'(\S+) is not in the (\S+) registry')


def check_parts(cfg: Config, splits: tuple[str, ...]) -> torch.nn.Module:
    """Build everything but the data; raise UserError for what cannot be built.

    Args:
        cfg: merged config, before `add_run_guards`.
        splits: 'train', 'val', 'test': those the run uses.

    Returns:
        The model's outline (see `build_model_outline`).
    """
    init_default_scope(cfg.get('default_scope', 'mmpose'))
    if isinstance(cfg.get('codec'), dict):
        _build(registry.KEYPOINT_CODECS, cfg.codec, 'codec')
    model = build_model_outline(cfg)
    for split in splits:
        loader = cfg.get(f'{split}_dataloader') or {}
        for path, dataset in _iter_datasets(
            loader.get('dataset'), f'{split}_dataloader.dataset'
        ):
            _build_dataset(dataset, path)
        for path, metric in _iter_metrics(cfg, split):
            _check_arguments(registry.METRICS, metric, path)
    if 'train' in splits:
        _check_optimizer(cfg)
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
            _build(registry.MODELS, cfg.model[name], f'model.{name}')
    model = copy.deepcopy(cfg.model)
    if 'preprocess_cfg' in cfg:
        model.setdefault('data_preprocessor', copy.deepcopy(cfg.preprocess_cfg))
    try:
        with preserve_rng(), torch.device('meta'):
            return registry.MODELS.build(copy.deepcopy(model))
    except Exception:  # any reason: what counts is whether the CPU can
        return _build(registry.MODELS, model, 'model')


def check_import(cfg: Config, path: str) -> None:
    """Raise UserError if the config uses a part of gm_pose and does not import it.

    The tools would find the part, but not who loads the model from the dumped config.
    """
    imports = (cfg.get('custom_imports') or {}).get('imports') or []
    imports = [imports] if isinstance(imports, str) else imports
    if any(str(name).split('.')[0] == 'gm_pose' for name in imports):
        return
    for place, name in _iter_types(cfg._cfg_dict, ''):
        for part in (registry.MODELS, registry.KEYPOINT_CODECS, registry.HOOKS):
            known = part.module_dict.get(name)
            if known is not None and known.__module__.split('.')[0] == 'gm_pose':
                raise UserError(
                    f'config {path} uses {name} ({place}) and does not import gm_pose: '
                    "add custom_imports = dict(imports=['gm_pose'])"
                )


def explain_mistake(error: BaseException, place: str) -> UserError:
    """What MMEngine's registry says about a part -> one sentence with the remedy."""
    text = ' '.join(str(error).strip('"\'').split())
    unknown = _UNKNOWN_TYPE.search(text)
    if unknown:
        return UserError(
            f'{place}.type: {unknown[1]} is not registered: check the spelling, and that '
            'custom_imports imports the package that has it'
        )
    return UserError(f'{place}: {text[:600]}: correct it in the config')


def _build(parts: Registry, part: Any, place: str) -> Any:
    """Build a part and leave the random generators as they were."""
    if not isinstance(part, dict) or 'type' not in part:
        raise UserError(f'{place} is {part!r}: give a dict with a `type`')
    _check_arguments(parts, part, place)
    try:
        with preserve_rng():
            return parts.build(copy.deepcopy(part))
    except _MISTAKES as error:
        raise explain_mistake(error, place) from error


def _check_arguments(parts: Registry, part: Any, place: str) -> None:
    """Raise UserError for an unknown type or an argument that it does not take."""
    if not isinstance(part, dict):
        return  # built already
    if 'type' not in part:
        raise UserError(f'{place} has no `type`: give a dict with a `type`')
    kind = part['type'] if callable(part['type']) else parts.get(part['type'])
    if kind is None:
        known = _list_names(parts)
        close = difflib.get_close_matches(str(part['type']), known, 1)
        hint = f'did you mean {close[0]}? Otherwise ' if close else ''
        raise UserError(
            f'{place}.type: {part["type"]} is not registered: {hint}check the spelling '
            'and that custom_imports imports the package that has it'
        )
    accepted = _get_arguments(kind)
    if accepted is None:
        return
    for name in part:
        if name not in accepted and name not in _COMMON:
            close = difflib.get_close_matches(name, accepted, 1)
            hint = f'did you mean {close[0]}?' if close else f'it takes {accepted}'
            raise UserError(
                f'{place}.{name}={part[name]!r}: {part["type"]} has no argument {name}; '
                f'{hint}'
            )


def _list_names(parts: Registry | None) -> list[str]:
    """Names that a registry and its parents know."""
    names: list[str] = []
    while parts is not None:
        names += [name for name in parts.module_dict if isinstance(name, str)]
        parts = parts.parent
    return names


def _get_arguments(kind: Any) -> list[str] | None:
    """Names that a class's constructor takes, or None if it takes any."""
    names: list[str] = []
    for base in inspect.getmro(kind) if inspect.isclass(kind) else [kind]:
        function = base.__dict__.get('__init__') if inspect.isclass(base) else base
        if function is None or base is object:
            continue
        try:
            parameters = inspect.signature(function).parameters.values()
        except (TypeError, ValueError):
            return None
        names += [p.name for p in parameters if p.kind in (p.KEYWORD_ONLY,
                  p.POSITIONAL_OR_KEYWORD) and p.name != 'self']  # fmt: skip
        if all(p.kind != p.VAR_KEYWORD for p in parameters):
            return names
        # **kwargs go to the next class that has a constructor
    return None


def _build_dataset(dataset: dict, path: str) -> None:
    """Build a dataset with its pipeline, its annotations left for later."""
    pipeline = dataset.get('pipeline') or []
    for index, step in enumerate(pipeline):
        _build(registry.TRANSFORMS, step, f'{path}.pipeline.{index}')
    _build(registry.DATASETS, dict(dataset, lazy_init=True, pipeline=[]), path)


def _check_hook(hook: Any, place: str) -> None:
    """Check a hook's arguments, and build it where that is known to do nothing else."""
    _check_arguments(registry.HOOKS, hook, place)
    kind = registry.HOOKS.get(hook['type']) if isinstance(hook, dict) else None
    if kind is not None and kind.__module__.split('.')[0] in ('gm_pose', 'mmengine'):
        arguments = {key: value for key, value in hook.items() if key != 'priority'}
        _build(registry.HOOKS, arguments, place)


def _check_optimizer(cfg: Config) -> None:
    optimizer = (cfg.get('optim_wrapper') or {}).get('optimizer')
    if not isinstance(optimizer, dict) or 'constructor' in cfg.optim_wrapper:
        return
    place = 'optim_wrapper.optimizer'
    arguments = dict(optimizer, params=[torch.nn.Parameter(torch.zeros(1))])
    _check_arguments(registry.OPTIMIZERS, optimizer, place)
    try:
        registry.OPTIMIZERS.build(arguments)
    except _MISTAKES as error:
        raise explain_mistake(error, place) from error


def _iter_datasets(node: Any, path: str) -> Iterator[tuple[str, dict]]:
    """Datasets with an annotation file below `node` -> (config path, config)."""
    if isinstance(node, dict):
        if 'ann_file' in node and 'type' in node:
            yield path, node
            return
        for key, value in node.items():
            yield from _iter_datasets(value, f'{path}.{key}')
    elif isinstance(node, (list, tuple)):
        for index, value in enumerate(node):
            yield from _iter_datasets(value, f'{path}.{index}')


def _iter_metrics(cfg: Config, split: str) -> Iterator[tuple[str, Any]]:
    if split == 'train':
        return
    evaluator = cfg.get(f'{split}_evaluator')
    for metric in evaluator if isinstance(evaluator, (list, tuple)) else [evaluator]:
        if metric is not None:
            yield f'{split}_evaluator', metric


def _iter_types(node: Any, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(node, dict):
        if isinstance(node.get('type'), str):
            yield path or 'top level', node['type']
        for key, value in node.items():
            yield from _iter_types(value, f'{path}.{key}' if path else str(key))
    elif isinstance(node, (list, tuple)):
        for index, value in enumerate(node):
            yield from _iter_types(value, f'{path}.{index}')
