"""Every component of a config can be built, before a run starts."""

from typing import Any

from mmengine.dataset import BaseDataset
from mmengine.registry import init_default_scope
from mmpose import registry

from gm_pose.runs.checks.component import Component, Dataset, Split
from gm_pose.runs.checks.component_arguments import MISTAKES, explain_mistake, find_type
from gm_pose.runs.checks.model_building import build_codec, build_model
from gm_pose.runs.checks.outline import Outline
from gm_pose.runs.problem import Problem

__all__ = ['check_components', 'check_import']

# Hooks of these packages do nothing but keep their arguments when they are built.
_QUIET_HOOKS = ('gm_pose', 'mmengine')


def check_components(outline: Outline) -> list[Problem]:
    """Build everything but the data, and check the arguments of what is not built."""
    init_default_scope(outline.cfg.get('default_scope', 'mmpose'))
    builder = outline.builder
    build_codec(outline)
    found = [*builder.get_problems(outline.codec)]
    for split in outline.splits:
        for dataset in split.datasets:
            found += _check_dataset(outline, dataset)
        if isinstance(split.sampler.config, dict):
            found += builder.check(registry.DATA_SAMPLERS, split.sampler)
        if split.name != 'train':
            found += _check_evaluator(outline, split)
    if isinstance(outline.model.config, dict):
        build_model(outline)
        for component in (*outline.model_components, outline.model):
            found += builder.get_problems(component)
    return found + _check_training(outline) if outline.trains else found


def check_import(outline: Outline) -> list[Problem]:
    """The config imports gm_pose if it uses it.

    The tools would find what it uses, but not who loads the model from the dumped config.
    """
    imports = outline.get('custom_imports.imports') or []
    imports = [imports] if isinstance(imports, str) else imports
    if any(str(name).split('.')[0] == 'gm_pose' for name in imports):
        return []
    registries = (registry.MODELS, registry.KEYPOINT_CODECS, registry.HOOKS)
    for known in registries:
        known.import_from_location()
    for place in outline.typed:
        name = place.get('type')
        for known in registries if isinstance(name, str) else ():
            kind = known.module_dict.get(name)
            if kind is not None and _get_package(kind) == 'gm_pose':
                return [
                    Problem(
                        f'config {outline.cfg.filename or ""}'.strip(),
                        f'uses {name} ({place.path}) and does not import gm_pose',
                        "add custom_imports = dict(imports=['gm_pose'])",
                    )
                ]
    return []


def _get_package(kind: Any) -> str:
    return kind.__module__.split('.')[0]


def _check_dataset(outline: Outline, dataset: Dataset) -> list[Problem]:
    """A dataset's arguments and its pipeline; its annotations are left for later."""
    builder = outline.builder
    found = [*builder.check(registry.DATASETS, dataset)]
    for step in dataset.steps:
        if _has_wrong_codec(outline, step):
            builder.check(registry.TRANSFORMS, step)
        else:
            builder.build(registry.TRANSFORMS, step)
        found += builder.get_problems(step)
    kind = find_type(registry.DATASETS, dataset.config)
    is_lazy = isinstance(kind, type) and issubclass(kind, BaseDataset)
    if is_lazy and isinstance(dataset.get('ann_file'), str):
        builder.build(registry.DATASETS, dataset, lazy_init=True, pipeline=[])
        found += builder.get_problems(dataset)
    return found


def _has_wrong_codec(outline: Outline, step: Component) -> bool:
    """Whether a transform cannot be built because the config's codec cannot."""
    encoder = step.get('encoder')
    if encoder is None or encoder != outline.codec.config:
        return False
    return build_codec(outline) is None


def _check_evaluator(outline: Outline, split: Split) -> list[Problem]:
    """A split's metrics, and the evaluator that wraps them if it names one."""
    evaluator, place = split.evaluator.config, split.evaluator.path
    if isinstance(evaluator, tuple):
        return [Problem(place, 'is a tuple; expected a list of metrics')]
    found: list[Problem] = []
    if isinstance(evaluator, dict) and 'metrics' in evaluator:
        named = {'type': 'Evaluator', **evaluator}  # the Runner's default
        found += outline.builder.check(registry.EVALUATORS, Component(place, named))
    for metric in split.metrics:
        found += outline.builder.check(registry.METRICS, metric)
    return found


def _check_training(outline: Outline) -> list[Problem]:
    """Optimizer, schedulers and hooks."""
    builder, found = outline.builder, _check_optimizer(outline)
    for scheduler in outline.schedulers:
        found += builder.check(registry.PARAM_SCHEDULERS, scheduler)
    for hook in outline.hooks:
        found += builder.check(registry.HOOKS, hook)
        kind = find_type(registry.HOOKS, hook.config)
        if kind is not None and _get_package(kind) in _QUIET_HOOKS:
            config = {k: v for k, v in hook.config.items() if k != 'priority'}
            builder.build(registry.HOOKS, Component(hook.path, config))
            found += builder.get_problems(hook)
    return found


def _check_optimizer(outline: Outline) -> list[Problem]:
    import torch

    optimizer = outline.optimizer
    if not isinstance(optimizer.config, dict) or outline.get(
        'optim_wrapper.constructor'
    ):
        return []
    found = outline.builder.check(registry.OPTIMIZERS, optimizer)
    if found:
        return found
    weight = torch.nn.Parameter(torch.zeros(1))
    try:
        registry.OPTIMIZERS.build(dict(optimizer.config, params=[weight]))
    except MISTAKES as error:
        return [explain_mistake(error, optimizer.path)]
    return []
