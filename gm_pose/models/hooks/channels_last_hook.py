"""Training with the memory layout that convolutions are fastest in."""

import torch
from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmpose.registry import HOOKS
from torch import nn
from torch.optim import Optimizer

__all__ = ['ChannelsLastHook']


@HOOKS.register_module()
class ChannelsLastHook(Hook):
    """Lay out the model's 4-D weights as (B, H, W, C) in memory, at the start of a run.

    Shapes stay (B, C, H, W) and results equal up to rounding; convolutions pass the
    layout on to their outputs. On a CPU (oneDNN) the demo's training steps take less
    time with it, on a GPU those in half precision.

    The layout changes after the weights are initialized or loaded: random numbers are
    written in the order of memory, so the same seed would give other weights before.
    """

    priority = 'VERY_HIGH'

    def before_train(self, runner: Runner) -> None:
        """Convert in place: the optimizer keeps its parameters."""
        runner.model.to(memory_format=torch.channels_last)
        optimizer = getattr(runner.optim_wrapper, 'optimizer', None)
        if optimizer is not None:
            _convert_state(optimizer)

    def before_val(self, runner: Runner) -> None:
        runner.model.to(memory_format=torch.channels_last)

    def before_test(self, runner: Runner) -> None:
        runner.model.to(memory_format=torch.channels_last)


def _convert_state(optimizer: Optimizer) -> None:
    """Moments that a resumed run loaded; a fused optimizer needs their weights' layout."""
    for parameter, state in optimizer.state.items():
        if not isinstance(parameter, nn.Parameter) or parameter.dim() != 4:
            continue
        for name, value in state.items():
            if torch.is_tensor(value) and value.shape == parameter.shape:
                state[name] = value.contiguous(memory_format=torch.channels_last)
