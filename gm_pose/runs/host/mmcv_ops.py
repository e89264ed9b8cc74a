"""Stand-in for `mmcv.ops` where mmcv has no compiled extension (mmcv-lite).

MMPose's `models` package imports `mmcv.ops` unguarded (EDPose, and MMDetection through
RTMO), although no top-down heatmap model uses a compiled operator. Full mmcv has no wheel
for current PyTorch, so the plain install path is mmcv-lite plus this module: every name
can be imported, and using one raises an ImportError that says what is needed.
"""

import importlib
import importlib.abc
import importlib.util
import sys
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

_OPS = 'mmcv.ops'
_EXTENSION = 'mmcv._ext'


def _make_missing_op(name: str) -> type:
    # __new__, not __init__, which a subclass need not call
    def refuse(cls: type, *args: object, **kwargs: object) -> None:
        raise ImportError(
            f'mmcv.ops.{name} needs compiled operators, which mmcv-lite lacks. Fix: '
            'install mmcv (not mmcv-lite) to use this model'
        )

    return type(name, (), {'__new__': refuse, '__module__': _OPS})


class _MissingOps(ModuleType):
    """Module whose every public attribute is a class that refuses to be built."""

    def __getattr__(self, name: str) -> type:
        if name.startswith('_'):
            raise AttributeError(name)
        op = _make_missing_op(name)
        setattr(self, name, op)
        return op


class _MissingOpsFinder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds `mmcv.ops` and what is below it, where mmcv has no compiled extension."""

    def find_spec(
        self, fullname: str, path: Any = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname != _OPS and not fullname.startswith(f'{_OPS}.'):
            return None
        if has_compiled_ops():
            return None
        return ModuleSpec(fullname, self, is_package=True)

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return _MissingOps(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        module.__doc__ = 'Stand-in: mmcv-lite has no compiled operators.'


def has_compiled_ops() -> bool:
    """Whether the installed mmcv carries its compiled extension; imports mmcv alone."""
    return importlib.util.find_spec(_EXTENSION) is not None


def check_compiled_ops() -> None:
    """Import the compiled extension, if there is one.

    Raises:
        ImportError: it does not load: built for another PyTorch or Python.
    """
    if not has_compiled_ops():
        return
    try:
        importlib.import_module(_EXTENSION)
    except ImportError as error:
        raise ImportError(
            "mmcv's compiled operators do not load with the installed PyTorch "
            f'({str(error).splitlines()[0]}). Fix: install the mmcv built for it, or '
            'mmcv-lite, enough for top-down heatmap models'
        ) from error


def install_finder() -> None:
    """Let `mmcv.ops` be importable without compiled ops; looks at mmcv only then."""
    if not any(isinstance(finder, _MissingOpsFinder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _MissingOpsFinder())
