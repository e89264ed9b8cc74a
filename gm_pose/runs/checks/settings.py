"""Sections that must be there, and numbers that are wrong whatever the model is."""

from collections.abc import Callable
from typing import Any

from gm_pose.runs.checks.component import Component
from gm_pose.runs.checks.outline import Outline
from gm_pose.runs.problem import Problem

__all__ = ['check_numbers', 'check_sections']

_TRAINING = ('train_dataloader', 'train_cfg', 'optim_wrapper')


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1


def _is_count_or_zero(value: Any) -> bool:
    return value == 0 or _is_count(value)


_COUNT = (_is_count, 'a whole number of at least 1')
_COUNT_OR_ZERO = (_is_count_or_zero, 'a whole number of at least 0')

_Rules = dict[str, tuple[Callable[[Any], bool], str]]
# config path -> (test, what is expected). A path that the config lacks is not tested.
_LOADER_RULES: _Rules = {'batch_size': _COUNT, 'num_workers': _COUNT_OR_ZERO}
_TRAINING_RULES: _Rules = {
    'train_cfg.max_epochs': _COUNT,
    'train_cfg.max_iters': _COUNT,
    'train_cfg.val_interval': _COUNT,
    'optim_wrapper.accumulative_counts': _COUNT,
    'optim_wrapper.optimizer.lr': (
        lambda lr: isinstance(lr, (int, float)) and 0 < lr < float('inf'),
        'a positive number',
    ),
    'randomness.seed': (_is_count_or_zero, 'a whole number of at least 0, or None'),
    'default_hooks.checkpoint.interval': (
        lambda interval: interval == -1 or _is_count(interval),
        'a whole number of at least 1, or -1 for never',
    ),
}


def check_sections(outline: Outline) -> list[Problem]:
    """What training, or an evaluation, needs is there."""
    found = []
    for path in ('model', 'model.head'):
        node = outline.get(path)
        if node is not None and not isinstance(node, dict):
            found.append(Problem(path, f'is {node!r}; expected a dict with a `type`'))
    if outline.model.config is None:
        found.append(
            Problem('the config', 'has no `model`', 'give a config with a model')
        )
    for name in _TRAINING if outline.trains else ():
        if not isinstance(outline.cfg.get(name), dict):
            found.append(
                Problem(
                    f'{name}',
                    f'is {outline.cfg.get(name)!r}, so the config has no {name}; '
                    f'training needs {", ".join(_TRAINING)}',
                    'give a config that trains',
                )
            )
    for split in outline.splits:
        loader = split.loader
        if loader.config is not None and not isinstance(loader.get('dataset'), dict):
            found.append(
                Problem(
                    f'{loader.path}.dataset',
                    f'is {loader.get("dataset")!r}; expected a dict with a `type`',
                )
            )
    names = {split.name for split in outline.splits}
    if names == {'test'}:
        return found + _check_evaluation(outline, 'test')
    return found + _check_evaluation(outline, 'val') if outline.trains else found


def _check_evaluation(outline: Outline, split: str) -> list[Problem]:
    """A training that validates, and every test, has all that it needs."""
    sections = [f'{split}_dataloader', f'{split}_cfg', f'{split}_evaluator']
    missing = [name for name in sections if outline.cfg.get(name) is None]
    if not missing or (split == 'val' and len(missing) == len(sections)):
        return []
    return [
        Problem(
            'the config',
            f'has no {" and no ".join(missing)}; evaluation needs {", ".join(sections)}',
            'set all three' + (', or all three to None' if split == 'val' else ''),
        )
    ]


def check_numbers(outline: Outline) -> list[Problem]:
    """No number is one that cannot be meant: loaders of the run, then its training."""
    found = []
    for split in outline.splits:
        path = split.loader.path
        found += _check_rules(outline, _LOADER_RULES, f'{path}.')
        found += _check_workers(split.loader)
    if outline.trains:
        found += _check_rules(outline, _TRAINING_RULES)
    return found


def _check_rules(outline: Outline, rules: _Rules, prefix: str = '') -> list[Problem]:
    found = []
    for name, (is_right, expected) in rules.items():
        path = f'{prefix}{name}'
        value = outline.get(path)
        if value is not None and not is_right(value):
            found.append(Problem(path, f'is {value!r}; expected {expected}'))
    return found


def _check_workers(loader: Component) -> list[Problem]:
    """PyTorch refuses settings of workers late where there are none.

    A base config that sets them makes `num_workers=0` alone fail.
    """
    if loader.get('num_workers') != 0:
        return []
    path = f'{loader.path}.num_workers'
    return [
        Problem(
            path,
            f'is 0 with {name}={loader.get(name)}; expected at least 1',
            f'set {loader.path}.{name}={neutral} too',
        )
        for name, neutral in (('persistent_workers', False), ('prefetch_factor', None))
        if loader.get(name)
    ]
