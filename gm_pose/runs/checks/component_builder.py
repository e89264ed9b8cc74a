"""Building components of a config before a run starts, each of them once.

MMEngine's Runner makes the work directory and a log first and builds the components
later, the data loader last: a misspelt argument of a transform is found after minutes,
in a traceback of fifty lines.
"""

from __future__ import annotations

import copy
import inspect
from typing import TYPE_CHECKING, Any

import torch
from mmengine.registry import Registry

from gm_pose.runs.checks.component_arguments import (
    MISTAKES,
    explain_mistake,
    find_argument_problems,
    find_culprits,
    find_type,
)
from gm_pose.runs.problem import Problem
from gm_pose.runs.resume.rng_state import preserve_rng

if TYPE_CHECKING:
    from gm_pose.runs.checks.outline import Component, Outline

__all__ = ['ComponentBuilder', 'build_meta_model']


class ComponentBuilder:
    """Builds components at most once, and keeps what was wrong with each."""

    def __init__(self) -> None:
        self._built: dict[str, Any] = {}
        self._problems: dict[str, list[Problem]] = {}

    def build(self, registry: Registry, component: Component, **changes: Any) -> Any:
        """Build a component, its random numbers kept apart -> object or None.

        Args:
            registry: where its type is registered.
            component: the component; the same path is built only once.
            changes: settings to build it with instead of the config's.
        """
        path, config = component.path, component.config
        if path not in self._built:
            self._built[path] = None
            if not self.check(registry, component) and isinstance(config, dict):
                config = copy.deepcopy({**config, **changes})
                try:
                    with preserve_rng():
                        self._built[path] = registry.build(config)
                except MISTAKES as error:
                    self._problems[path] = [explain_mistake(error, path)]
        return self._built[path]

    def check(self, registry: Registry, component: Component) -> list[Problem]:
        """Look at a component's type and arguments, without building it."""
        path = component.path
        if path not in self._problems:
            self._problems[path] = find_argument_problems(
                registry, component.config, path
            )
        return self._problems[path]

    def get_problems(self, component: Component) -> list[Problem]:
        """What was wrong with a component that was built or checked."""
        return self._problems.get(component.path, [])

    def build_codec(self, outline: Outline) -> Any:
        """The config's codec, or None if it has none or a wrong one."""
        from mmpose.registry import KEYPOINT_CODECS

        if outline.codec.config is None:
            return None
        return self.build(KEYPOINT_CODECS, outline.codec)

    def build_model(self, outline: Outline) -> torch.nn.Module | None:
        """The model without memory for its weights, or None if it cannot be built.

        Of a head whose codec is wrong the decoder is left out, so that the rest of the
        model is looked at all the same.
        """
        from mmpose.registry import MODELS

        path = outline.model.path
        if path in self._built:
            return self._built[path]
        found = self.check(MODELS, outline.model)
        for component in outline.model_components:
            found = [*found, *self.check(MODELS, component)]
        self._built[path] = None
        config = outline.model.config
        if found or not isinstance(config, dict):
            return None
        config = copy.deepcopy(config)
        if 'preprocess_cfg' in outline.cfg:
            preprocessor = copy.deepcopy(outline.cfg.preprocess_cfg)
            config.setdefault('data_preprocessor', preprocessor)
        if outline.codec.config is not None and self.build_codec(outline) is None:
            head = config.get('head') or {}
            kind = find_type(MODELS, head)
            if 'decoder' in head and not _can_omit(kind, 'decoder'):
                return None
            head.pop('decoder', None)
        try:
            self._built[path] = build_meta_model(config)
        except MISTAKES as error:
            place = _find_place(outline, find_culprits(error))
            self._problems[path] = [explain_mistake(error, place)]
        return self._built[path]


def build_meta_model(config: dict) -> torch.nn.Module:
    """A model on the meta device; on the CPU if it cannot be built there."""
    from mmpose.registry import MODELS

    try:
        with preserve_rng(), torch.device('meta'):
            return MODELS.build(copy.deepcopy(config))
    except Exception:  # any reason: what counts is whether the CPU can
        with preserve_rng():
            return MODELS.build(copy.deepcopy(config))


def _can_omit(kind: Any, argument: str) -> bool:
    parameter = inspect.signature(kind).parameters.get(argument) if kind else None
    return parameter is not None and parameter.default is None


def _find_place(outline: Outline, culprits: list[str]) -> str:
    """Path of the component whose class comes first among those that raised."""
    for name in culprits:
        paths = [
            component.path
            for component in outline.model_components
            if _name_type(component.get('type')) == name
        ]
        if paths:
            return paths[0]
    return outline.model.path


def _name_type(kind: Any) -> str:
    name = kind if isinstance(kind, str) else getattr(kind, '__name__', '')
    return name.rpartition('.')[2]
