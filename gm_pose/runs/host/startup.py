"""Fixes the host for programs that do not import gm_pose; runs at each start of Python.

A wheel holds a copy of this file as `gm_pose_host.py`, and `gm_pose_host.pth` beside it,
whose one line imports that copy. So only `sys` is imported here, until somebody imports a
package of the host; then the fixes of `gm_pose.runs.host` are arranged, and nothing else of
gm_pose happens: no version is checked, no part is registered.

Nothing is done with GM_POSE_STARTUP=0, or where full mmcv is installed, or no MMPose.
"""

import sys

HOST = frozenset({'mmcv', 'mmdet', 'mmengine', 'mmpose'})
PTH_NAME = 'gm_pose_host.pth'
PTH_LINE = (
    "import os; os.getenv('GM_POSE_STARTUP') == '0' or __import__('gm_pose_host')\n"
)


class StartupFinder:
    """Arranges the fixes when a package of the host is first looked for."""

    is_done = False

    @classmethod
    def find_spec(cls, fullname, path=None, target=None):  # type: ignore[no-untyped-def]
        # It stays in sys.meta_path: Python is going through that list now, and would skip
        # the finder that moved up.
        if fullname not in HOST or cls.is_done:
            return None
        cls.is_done = True
        if 'gm_pose' in sys.modules:
            return None
        try:
            from importlib.util import find_spec

            if is_needed():
                load_host().mend_host(is_strict=False)
            return find_spec(
                fullname
            )  # by the finders that are in front of this one now
        except Exception as error:
            sys.stderr.write(f'gm_pose_host: MMPose is not fixed: {error!r}\n')
            return None


def is_needed() -> bool:
    """Whether MMPose is installed, and mmcv without compiled operators."""
    import os
    from importlib.util import find_spec

    mmcv = find_spec('mmcv')
    if mmcv is None or find_spec('mmpose') is None:
        return False
    folders = mmcv.submodule_search_locations or []
    return not any(n.startswith('_ext.') for f in folders for n in os.listdir(f))


def load_host():  # type: ignore[no-untyped-def]
    """Import `gm_pose.runs.host` without executing `gm_pose/__init__.py`.

    That is executed when somebody imports gm_pose, which registers its parts and checks
    the versions. So this room says `from gm_pose.runs.host.x import name` in functions:
    `from gm_pose.runs.host import x` would import gm_pose itself.
    """
    from importlib.util import find_spec, module_from_spec

    spec = find_spec('gm_pose')
    if spec is None:
        raise ImportError('gm_pose is not installed')
    sys.modules['gm_pose'] = module_from_spec(spec)
    try:
        from gm_pose import runs
        from gm_pose.runs import host
        from gm_pose.runs.host.import_hooks import call_after_import
    finally:
        del sys.modules['gm_pose']
    # Python binds a room to its package where it imports it, which has happened.
    call_after_import('gm_pose', lambda package: setattr(package, 'runs', runs))
    return host


def install_finder() -> None:
    """Put the finder in front, once."""
    if not any(getattr(f, '__name__', '') == 'StartupFinder' for f in sys.meta_path):
        sys.meta_path.insert(0, StartupFinder)


if __name__ == 'gm_pose_host':
    install_finder()
