"""What today's PyTorch, numpy and Python need before `mmpose` can be imported.

`prepare_stack` is called once, by ``import gm_pose``, before anything imports
``mmpose.models``. Each module here deals with one incompatibility and does nothing
where the installed stack does not have it.
"""

import warnings

from gm_pose.compat import mmcv_ops, versions, xtcocotools

__all__ = ['prepare_stack']


def prepare_stack() -> None:
    """Check host versions, then stand in for what the installed stack lacks.

    Raises:
        ImportError: a host package is missing, outside its supported range, or built
            for another PyTorch; the text names it, what was found and what to install.
    """
    versions.check_versions()
    # Once for every mm* package and process, and nothing that a user could act on: the
    # range that still has pkg_resources was just checked.
    warnings.filterwarnings('ignore', 'pkg_resources is deprecated', UserWarning)
    mmcv_ops.install_stand_in()
    xtcocotools.install_stand_in()
    # Imports mmengine, so not before its version is known.
    from gm_pose.compat import checkpoints

    checkpoints.install_loader()
