"""What today's PyTorch, numpy and Python need before MMPose runs on them.

`mend_host` is all of it. Each module here deals with one incompatibility and does nothing
where the installed host does not have it; docs/host-stack.md lists them with the host
version that makes each unnecessary. Importing this package imports no host package.
"""

import contextlib
import warnings

from gm_pose.runs.host import (
    checkpoints,
    config_bases,
    config_text,
    log_history,
    mmcv_ops,
)
from gm_pose.runs.host.import_hooks import call_after_import, call_before_import

__all__ = ['mend_host']


def mend_host(is_strict: bool = True) -> None:
    """Arrange everything that the host needs, without importing any of it now.

    Args:
        is_strict: False in programs that do not import gm_pose (`startup.py`): they are
            not refused for a version, or for want of xtcocotools and pycocotools.

    Raises:
        ImportError: later, where the host is imported: a host package is missing, outside
            its supported range, or built for another PyTorch.
    """
    call_before_import('mmpose', _prepare_mmpose if is_strict else _try_stand_in)
    mmcv_ops.install_finder()
    call_before_import('mmcv.ops', mmcv_ops.check_compiled_ops)
    call_after_import('mmengine.config.config', config_text.install_memory)
    call_after_import('mmengine.config.config', config_bases.install_shortcut)
    call_after_import('mmengine.logging.history_buffer', log_history.install_appending)
    call_after_import('mmengine.runner.checkpoint', checkpoints.install_loader)
    # mmengine, mmdet and openmim import pkg_resources: once for each, and nothing that a
    # user could act on.
    warnings.filterwarnings('ignore', 'pkg_resources is deprecated', UserWarning)


def _prepare_mmpose() -> None:
    """Check the versions; stand in for xtcocotools, which MMPose imports."""
    from gm_pose.runs.host.versions import check_versions
    from gm_pose.runs.host.xtcocotools import install_stand_in

    check_versions()
    install_stand_in()


def _try_stand_in() -> None:
    from gm_pose.runs.host.xtcocotools import install_stand_in

    with contextlib.suppress(ImportError):
        install_stand_in()
