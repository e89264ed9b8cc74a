"""Building components of a config before a run starts, each of them once.

MMEngine's Runner makes the work directory and a log first and builds the components
later, the data loader last: a misspelt argument of a transform is found after minutes,
in a traceback of fifty lines.
"""

import copy
from typing import Any

from mmengine.registry import Registry

from gm_pose.runs.checks.component import Component
from gm_pose.runs.checks.component_arguments import (
    MISTAKES,
    explain_mistake,
    find_argument_problems,
)
from gm_pose.runs.problem import Problem
from gm_pose.runs.resume.rng_state import preserve_rng

__all__ = ['ComponentBuilder']


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

    def get_built(self, path: str) -> Any:
        """What was built of a component, or None."""
        return self._built.get(path)

    def keep(self, path: str, built: Any, problems: list[Problem]) -> Any:
        """Keep what was built elsewhere, and what was wrong with it."""
        self._built[path] = built
        self._problems[path] = problems
        return built

    def is_tried(self, path: str) -> bool:
        """Whether a component was built, or could not be."""
        return path in self._built
