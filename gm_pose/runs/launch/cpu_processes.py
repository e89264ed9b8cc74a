"""Several processes on a machine without a GPU, over gloo."""

import torch
import torch.distributed
from mmengine.config import Config

from gm_pose.runs.launch.processes import export_rendezvous

__all__ = ['prepare_cpu_processes']


def prepare_cpu_processes(cfg: Config) -> None:
    """Start a gloo process group where MMEngine's own start-up would need a GPU.

    MMEngine's `init_dist` calls `torch.cuda.set_device` whatever the backend. It keeps
    a process group that already exists, so on a machine without a GPU one is made here,
    for every launcher, and the model wrapper is set not to pin the model to a device.

    Args:
        cfg: config with `launcher` set; `model_wrapper_cfg` is filled in if needed.

    Raises:
        UserError: the launcher does not say where the processes meet.
    """
    launcher = cfg.get('launcher', 'none')
    if launcher == 'none' or torch.cuda.is_available():
        return
    export_rendezvous(launcher)
    torch.distributed.init_process_group(backend='gloo')
    cfg.setdefault(
        'model_wrapper_cfg',
        dict(
            type='MMDistributedDataParallel', broadcast_buffers=False, device_ids=None
        ),
    )
