"""Act on another package before or after Python imports it, without importing it here.

Nothing is called while a module is only looked for (`importlib.util.find_spec`): functions
run when it is executed, under the lock that Python holds for that module.
"""

import importlib.abc
import sys
from collections.abc import Callable
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

__all__ = ['call_after_import', 'call_before_import']


class _Loader(importlib.abc.Loader):
    """Another loader, with functions called around the execution of its module.

    A wrapper of its own for each search: a zip file's loader serves many modules. The
    module is handed its real loader before it runs.
    """

    def __init__(self, loader: Any, before: list, after: list) -> None:
        self._loader, self._before, self._after = loader, before, after

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loader, name)

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        while self._before:
            self._before[0]()  # one that fails ends the import and is called again
            del self._before[0]
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        module.__loader__ = self._loader
        if module.__spec__ is not None:
            module.__spec__.loader = self._loader
        self._loader.exec_module(module)
        for function in self._after:
            function(module)


class _ImportHook(importlib.abc.MetaPathFinder):
    """Wraps the loaders of the modules that somebody waits for."""

    def __init__(self) -> None:
        self.before: dict[str, list[Callable[[], object]]] = {}
        self.after: dict[str, list[Callable[[ModuleType], object]]] = {}

    def find_spec(
        self, fullname: str, path: Any = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname not in self.before and fullname not in self.after:
            return None
        spec = self._search_others(fullname, path, target)
        # A namespace package has no code to run before or after. A loader of the protocol
        # before Python 3.4 is left alone.
        if spec is not None and hasattr(spec.loader, 'exec_module'):
            before = self.before.setdefault(fullname, [])
            spec.loader = _Loader(spec.loader, before, self.after.get(fullname, []))
        return spec

    def _search_others(
        self, fullname: str, path: Any, target: ModuleType | None
    ) -> ModuleSpec | None:
        """What the finders behind this one say; those before it have been asked."""
        is_behind = False
        for finder in list(sys.meta_path):
            if is_behind and hasattr(finder, 'find_spec'):
                spec = finder.find_spec(fullname, path, target)
                if spec is not None:
                    return spec
            is_behind = is_behind or finder is self
        return None


def _get_hook() -> _ImportHook:
    """The one hook of this process, among the finders."""
    for finder in sys.meta_path:
        if isinstance(finder, _ImportHook):
            return finder
    hook = _ImportHook()
    sys.meta_path.insert(0, hook)
    return hook


def call_before_import(name: str, function: Callable[[], object]) -> None:
    """Call `function` once, before `name` is executed; now, if that has happened."""
    if sys.modules.get(name) is not None:
        function()
    else:
        _get_hook().before.setdefault(name, []).append(function)


def call_after_import(name: str, function: Callable[[ModuleType], object]) -> None:
    """Call `function(module)` whenever `name` has been executed; now, if it has been.

    Again after `importlib.reload`, which undoes what `function` changed. A function that
    waits already is not called twice: the start-up file and `import gm_pose` both ask.
    """
    waiting = _get_hook().after.setdefault(name, [])
    if function in waiting:
        return
    waiting.append(function)
    module = sys.modules.get(name)
    if module is not None:
        function(module)
