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
from pathlib import Path
from types import ModuleType
from typing import Any

_OPS = 'mmcv.ops'
_EXTENSION = 'mmcv._ext'

# public name of mmcv.ops that has an equal in torchvision -> mmcv's module that has it
SERVED = {
    'nms': 'nms',
    'soft_nms': 'nms',
    'batched_nms': 'nms',
    'roi_align': 'roi_align',
    'RoIAlign': 'roi_align',
}


def _make_missing_op(name: str) -> type:
    # __new__, not __init__, which a subclass need not call
    def refuse(cls: type, *args: object, **kwargs: object) -> None:
        raise ImportError(
            f'mmcv.ops.{name} needs compiled operators, which mmcv-lite lacks. Fix: '
            'install mmcv (not mmcv-lite) to use this model'
        )

    return type(name, (), {'__new__': refuse, '__module__': _OPS})


class _MissingOps(ModuleType):
    """Module whose public attributes are the served operators, or refuse to be built."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith('_'):
            raise AttributeError(name)
        if self.__name__ == _OPS and name in SERVED:
            op = getattr(importlib.import_module(f'{_OPS}.{SERVED[name]}'), name)
        else:
            op = _make_missing_op(name)
        setattr(self, name, op)
        return op

    def __setattr__(self, name: str, value: object) -> None:
        # Python binds an imported submodule to its name in the package; where a function
        # has the submodule's name (`nms`), mmcv binds the function over it.
        if name in SERVED and isinstance(value, ModuleType):
            value = getattr(value, name)
        super().__setattr__(name, value)


class _MissingOpsFinder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds `mmcv.ops` and what is below it, where mmcv has no compiled extension.

    Either as `_MissingOps`, or as mmcv's own module, if torchvision serves it.
    """

    def find_spec(
        self, fullname: str, path: Any = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname != _OPS and not fullname.startswith(f'{_OPS}.'):
            return None
        if has_compiled_ops():
            return None
        if fullname in {f'{_OPS}.{module}' for module in SERVED.values()}:
            return _find_served(fullname)
        return ModuleSpec(fullname, self, is_package=True)

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return _MissingOps(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        module.__doc__ = 'Stand-in: mmcv-lite has no compiled operators.'


def _find_served(fullname: str) -> ModuleSpec:
    """Spec of mmcv's own Python module, executed with torchvision for its extension."""
    import mmcv
    from mmcv.utils import ext_loader

    from gm_pose.runs.host.torchvision_ops import EXTENSION

    path = Path(mmcv.__file__).parent / 'ops' / f'{fullname.rpartition(".")[2]}.py'
    spec = importlib.util.spec_from_file_location(fullname, path)
    if spec is None or spec.loader is None:
        raise ImportError(f'{path} is missing. Fix: pip install mmcv-lite==2.1.0')
    execute = spec.loader.exec_module

    def execute_on_torchvision(module: ModuleType) -> None:
        load_ext = ext_loader.load_ext
        ext_loader.load_ext = lambda name, functions: EXTENSION
        try:
            execute(module)
        finally:
            ext_loader.load_ext = load_ext

    spec.loader.exec_module = execute_on_torchvision  # type: ignore[method-assign]
    return spec


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
