"""Whether any loss so far was not finite, kept on the device and read without hurry."""

from typing import Any

import torch
from mmengine.optim import OptimWrapper
from torch import distributed

__all__ = ['LossFlag', 'can_skip_steps']


def can_skip_steps(wrapper: OptimWrapper) -> bool:
    """Whether the optimizer's kernels look at `found_inf` themselves.

    PyTorch's fused ones do. A gradient scaler uses `found_inf` for its own purpose.
    """
    scaler = getattr(wrapper, 'loss_scaler', None)
    if scaler is not None and scaler.is_enabled():
        return False
    optimizer = wrapper.optimizer
    return bool(
        getattr(optimizer, '_step_supports_amp_scaling', False)
        and all(group.get('fused') for group in optimizer.param_groups)
    )


class LossFlag:
    """From the first loss on that is not finite, the optimizer's steps do nothing.

    `optimizer.found_inf` is the scalar that a gradient scaler sets: where it is 1, a fused
    kernel leaves weights and state as they are. It is set on the device, so that no
    iteration waits for its loss; with several processes it is the largest of them all,
    since one bad gradient reaches every process.

    Args:
        optimizer: one that `can_skip_steps` accepts.
    """

    def __init__(self, optimizer: Any) -> None:
        device = optimizer.param_groups[0]['params'][0].device
        on_gpu = device.type == 'cuda'
        self._optimizer = optimizer
        # of this process, of any process
        self._flags = torch.zeros(2, device=device)
        self._host = torch.zeros(2, pin_memory=on_gpu)
        self._copied = torch.cuda.Event() if on_gpu else None
        optimizer.found_inf = self._flags[1]

    def update(self, loss: torch.Tensor) -> None:
        """Take in a loss, before its optimizer step; every process must call it."""
        own, any_process = self._flags
        bad = torch.isfinite(loss.detach()).all().logical_not()
        own.copy_(torch.maximum(own, bad))
        any_process.copy_(own)
        if distributed.is_initialized() and distributed.get_world_size() > 1:
            distributed.all_reduce(any_process, distributed.ReduceOp.MAX)
        self._host.copy_(self._flags, non_blocking=True)
        if self._copied is not None:
            self._copied.record()

    def read(self) -> tuple[bool, bool]:
        """Whether a loss of this process, of any process, was not finite up to now.

        Waits for the forward pass of the last loss, not for what follows it.
        """
        if self._copied is not None:
            self._copied.synchronize()
        own, any_process = self._host.tolist()
        return bool(own), bool(any_process)

    def release(self) -> None:
        """Give the optimizer back as it was."""
        del self._optimizer.found_inf
