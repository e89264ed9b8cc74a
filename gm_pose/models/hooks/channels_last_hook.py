"""Training with the memory layout that convolutions on a CPU are fastest in."""

import torch
from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmpose.registry import HOOKS

__all__ = ['ChannelsLastHook']


@HOOKS.register_module()
class ChannelsLastHook(Hook):
    """Lay out the model's 4-D weights as (B, H, W, C) in memory, at the start of a run.

    Shapes stay (B, C, H, W) and results equal up to rounding; convolutions pass the
    layout on to their outputs. On a CPU (oneDNN) the demo's training steps take less
    time with it.
    """

    def before_run(self, runner: Runner) -> None:
        """Convert in place: the optimiser keeps its parameters."""
        runner.model.to(memory_format=torch.channels_last)
