"""Act on another package before or after Python imports it, without importing it here."""

import importlib.abc
import importlib.util
import sys
from collections.abc import Callable
from types import ModuleType

__all__ = ['call_after_import', 'call_before_import']


class _ImportHook(importlib.abc.MetaPathFinder):
    """Calls functions once, before or after the import of the module they wait for."""

    def __init__(self) -> None:
        self.before: dict[str, list[Callable[[], object]]] = {}
        self.after: dict[str, list[Callable[[ModuleType], object]]] = {}

    def find_spec(self, fullname, path=None, target=None):
        if fullname not in self.before and fullname not in self.after:
            return None
        for function in self.before.get(fullname, []):
            function()
        self.before.pop(fullname, None)  # kept where one of them failed
        functions = self.after.pop(fullname, [])
        # Asks the other finders, among them one that a function has just put in.
        spec = importlib.util.find_spec(fullname)
        if not functions or spec is None or spec.loader is None:
            if functions:
                self.after[fullname] = functions
            return spec
        execute = spec.loader.exec_module

        def execute_and_call(module: ModuleType) -> None:
            execute(module)
            for function in functions:
                function(module)

        # On this loader alone: every search makes a new one.
        spec.loader.exec_module = execute_and_call  # type: ignore[method-assign]
        return spec


def _get_hook() -> _ImportHook:
    """The one hook of this process, first among the finders."""
    for finder in sys.meta_path:
        if isinstance(finder, _ImportHook):
            return finder
    hook = _ImportHook()
    sys.meta_path.insert(0, hook)
    return hook


def call_before_import(name: str, function: Callable[[], object]) -> None:
    """Call `function` when `name` is about to be imported; now, if that has happened."""
    if name in sys.modules:
        function()
    else:
        _get_hook().before.setdefault(name, []).append(function)


def call_after_import(name: str, function: Callable[[ModuleType], object]) -> None:
    """Call `function(module)` once `name` has been imported; now, if it has been."""
    module = sys.modules.get(name)
    if module is not None:
        function(module)
    else:
        _get_hook().after.setdefault(name, []).append(function)
