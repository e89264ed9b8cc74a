"""Import paths of version 0.1's first builds, kept for one version with a warning.

The rooms whose ``__init__`` listed public names; modules below them were internal.
"""

import importlib.abc
import sys
import warnings
from importlib import import_module
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

__all__ = ['install_finder', 'load_moved']

# old module -> {public name: module that has it now}
_RUN_HOOKS = (
    'AtomicCheckpointHook',
    'BadImageReportHook',
    'EffectiveBatchHook',
    'EmptyTargetHook',
    'ExactResumeHook',
    'NonFiniteLossHook',
    'PendingValidationHook',
)
MOVED: dict[str, dict[str, str]] = {
    'gm_pose.data_checks': dict.fromkeys(
        ('Finding', 'check_annotations', 'check_images'), 'gm_pose.runs.data_checks'
    ),
    'gm_pose.datasets': dict.fromkeys(
        ('GuardedDataset', 'LoadReadableImage', 'SeededSampler'), 'gm_pose.runs.loading'
    ),
    'gm_pose.doctor': {
        'Diagnosis': 'gm_pose.runs.doctor.diagnosis',
        'diagnose': 'gm_pose.runs.doctor.diagnose',
    },
    'gm_pose.engine': {},
    'gm_pose.engine.hooks': {
        **dict.fromkeys(_RUN_HOOKS, 'gm_pose.runs.hooks'),
        **dict.fromkeys(
            ('ChannelsLastHook', 'MixtureSigmaHook'), 'gm_pose.models.hooks'
        ),
    },
}
# Rooms that lost some of their names and ask `load_moved` themselves.
STILL_THERE = ('gm_pose.datasets',)
RENAMED = {
    'GuardedDataset': 'SeededDataset',
    'PendingValidationHook': 'ValidateOnResumeHook',
}


def load_moved(old: str, name: str) -> Any:
    """Public name of a module that moved -> the object, with a warning.

    Raises:
        AttributeError: the module had no such public name.
    """
    if name not in MOVED[old]:
        raise AttributeError(f'module {old!r} has no attribute {name!r}')
    module, now = MOVED[old][name], RENAMED.get(name, name)
    warnings.warn(
        f'{old}.{name} is now {module}.{now}; the old path goes in version 0.3',
        DeprecationWarning,
        stacklevel=3,
    )
    return getattr(import_module(module), now)


class _MovedFinder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds the modules that are gone, as modules that know where their names went."""

    def find_spec(
        self, fullname: str, path: Any = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname not in MOVED or fullname in STILL_THERE:
            return None
        return ModuleSpec(fullname, self, is_package=True)

    def exec_module(self, module: ModuleType) -> None:
        old = module.__name__
        module.__doc__ = 'Moved; see gm_pose.moved_modules.'
        module.__all__ = list(MOVED[old])  # type: ignore[attr-defined]
        module.__getattr__ = lambda name: load_moved(old, name)  # type: ignore


def install_finder() -> None:
    """Asked first: a folder that an update left empty would be found as a package."""
    if not any(isinstance(finder, _MovedFinder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _MovedFinder())
