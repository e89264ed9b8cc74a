"""What today's PyTorch, numpy and Python need before MMPose runs on them.

`mend_host` is all of it. Each module here deals with one incompatibility and does nothing
where the installed host does not have it; docs/host-stack.md lists them with the host
version that makes each unnecessary. Importing this package imports no host package.
"""

import warnings

from gm_pose.runs.host import checkpoints, mmcv_ops
from gm_pose.runs.host.import_hooks import call_after_import, call_before_import

__all__ = ['mend_host']


def mend_host() -> None:
    """Arrange everything that the host needs, without importing any of it now.

    Raises:
        ImportError: later, where the host is imported: a host package is missing, outside
            its supported range, or built for another PyTorch.
    """
    call_before_import('mmpose', _prepare_mmpose)
    mmcv_ops.install_finder()
    call_before_import('mmcv.ops', mmcv_ops.check_compiled_ops)
    call_after_import('mmengine.runner.checkpoint', checkpoints.install_loader)
    # mmengine, mmdet and openmim import pkg_resources: once for each, and nothing that a
    # user could act on.
    warnings.filterwarnings('ignore', 'pkg_resources is deprecated', UserWarning)


def _prepare_mmpose() -> None:
    """Check the versions; stand in for xtcocotools, which MMPose imports."""
    from gm_pose.runs.host import versions, xtcocotools

    versions.check_versions()
    xtcocotools.install_stand_in()
