"""MMEngine's loaders of checkpoints, made safe.

MMEngine 0.10 calls `torch.load` without `weights_only`, and PyTorch >= 2.6 then refuses
what MMEngine saved. `install_loader` replaces MMEngine's loaders of local files and of URLs
(so also `torchvision://` and `open-mmlab://`, whose downloads MMEngine would read unsafely
even today) by those of `safe_loading.py`.

One way to code remains: MMEngine's inferencers execute the text ``meta['cfg']`` where they
are given a checkpoint and no config. Give a config.
"""

from types import ModuleType
from typing import Any

__all__ = ['install_loader']


def install_loader(files: ModuleType) -> None:
    """Make `mmengine.runner.checkpoint` load local files and URLs safely."""
    files.CheckpointLoader.register_scheme('', load_from_local, force=True)
    files.load_url = load_url  # type: ignore[attr-defined]


def load_from_local(filename: str, map_location: Any) -> Any:
    """MMEngine's loader of local files; its name is part of what MMEngine logs."""
    from gm_pose.runs.host.checkpoints.safe_loading import load_checkpoint_file

    return load_checkpoint_file(filename, map_location)


def load_url(*args: Any, **kwargs: Any) -> Any:
    """`safe_loading.load_url`, imported when a file is loaded: it imports MMEngine."""
    from gm_pose.runs.host.checkpoints.safe_loading import load_url

    return load_url(*args, **kwargs)
