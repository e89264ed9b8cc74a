"""Stand-in for `xtcocotools` where it cannot be installed or imported.

MMPose reads its annotations and evaluates keypoints with xtcocotools, which has no wheel
past Python 3.11 and is compiled against numpy 1. Where its compiled part does not import,
`install_stand_in` puts modules of the same names in `sys.modules`, built on pycocotools.
Only what MMPose uses of xtcocotools is there; numbers are equal (see the tests).
"""

import importlib
import sys
import types
from importlib.machinery import ModuleSpec

_NAME = 'xtcocotools'
_STAND_IN_MARK = 'is_gm_pose_stand_in'


def has_xtcocotools() -> bool:
    """Whether xtcocotools imports, compiled part included.

    An installed distribution says nothing: it may be an empty placeholder, or compiled
    against another numpy, which shows as ValueError or AttributeError, not ImportError.
    """
    try:
        importlib.import_module(f'{_NAME}.mask')
    except (ImportError, ValueError, AttributeError, RuntimeError):
        for name in [n for n in sys.modules if n.partition('.')[0] == _NAME]:
            del sys.modules[name]  # a failed import leaves its parent package behind
        return False
    return True


def build_stand_in() -> dict[str, types.ModuleType]:
    """Module name -> module, for xtcocotools and the three modules MMPose imports.

    Raises:
        ImportError: pycocotools is missing.
    """
    try:
        mask = importlib.import_module('pycocotools.mask')
    except ImportError as error:
        raise ImportError(
            'neither xtcocotools nor pycocotools can be imported. Fix: '
            'pip install pycocotools'
        ) from error
    from gm_pose.runs.host.xtcocotools.coco import COCO
    from gm_pose.runs.host.xtcocotools.cocoeval import COCOeval

    def new_module(name: str, **attributes: object) -> types.ModuleType:
        module = types.ModuleType(name, 'Stand-in on pycocotools, put here by gm_pose.')
        module.__spec__ = ModuleSpec(name, loader=None, is_package=name == _NAME)
        module.__dict__.update(attributes, **{_STAND_IN_MARK: True})
        return module

    parts = {
        'coco': new_module(f'{_NAME}.coco', COCO=COCO),
        'cocoeval': new_module(f'{_NAME}.cocoeval', COCOeval=COCOeval),
        'mask': mask,
    }
    package = new_module(_NAME, __path__=[], **parts)
    return {_NAME: package, **{f'{_NAME}.{name}': m for name, m in parts.items()}}


def is_stand_in_installed() -> bool:
    """Whether `import xtcocotools` gives the stand-in."""
    return getattr(sys.modules.get(_NAME), _STAND_IN_MARK, False)


def install_stand_in() -> bool:
    """Make `xtcocotools` importable; returns whether the stand-in was put in now."""
    if is_stand_in_installed() or has_xtcocotools():
        return False
    sys.modules.update(build_stand_in())
    return True
