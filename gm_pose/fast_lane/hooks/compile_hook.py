"""`torch.compile` for the parts of a pose estimator."""

import importlib.util
import logging
import shutil
from types import MethodType
from typing import Any

import torch
from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmpose.registry import HOOKS
from torch import nn
from torch._dynamo.exc import TorchDynamoException

from gm_pose.runs.resume.wrapped_model import unwrap_model

__all__ = ['CompileHook']

MODES = ('default', 'reduce-overhead', 'max-autotune', 'max-autotune-no-cudagraphs')
_GRAPH_MODES = ('reduce-overhead', 'max-autotune')
_PARTS = ('backbone', 'neck', 'head')


@HOOKS.register_module()
class CompileHook(Hook):
    """Compile the `forward` of backbone, neck and head in place, at the start of a run.

    Weights keep their names, and checkpoints fit a model that is not compiled. Losses,
    samples and decoding stay as they are. The first iterations take a minute or two. Where
    a compiler is missing or fails, the run goes on without it, with a warning.

    Modes with CUDA graphs compile training alone: a graph's second run overwrites the
    result of its first, and a test with flipped images needs both.

    Args:
        mode: of `torch.compile`. 'reduce-overhead' replays CUDA graphs, for small batches.

    Raises:
        ValueError: an unknown mode.
    """

    # after EMAHook, which copies the model
    priority = 'LOW'

    def __init__(self, mode: str = 'default') -> None:
        if mode not in MODES:
            raise ValueError(f'mode is {mode!r}; expected one of {", ".join(MODES)}')
        self.mode = mode

    def before_run(self, runner: Runner) -> None:
        model = unwrap_model(runner.model)
        reason = find_obstacle(next(model.parameters()).device)
        if reason is not None:
            runner.logger.warning(f'{type(self).__name__} compiles nothing: {reason}')
            return
        for name in _PARTS:
            part = getattr(model, name, None)
            if isinstance(part, nn.Module):
                compile_forward(part, self.mode, runner.logger)


def compile_forward(part: nn.Module, mode: str, logger: logging.Logger) -> None:
    """Replace a module's `forward`, in place, by a compiled one.

    `nn.Module.compile` would compile the module's call, which a head's `loss` does not
    use. The new method is bound like any other, so that a copy of the module calls its own.
    """
    eager = type(part).forward
    compiled = torch.compile(eager, mode=mode)
    trains_alone = mode in _GRAPH_MODES
    failures: list[TorchDynamoException] = []

    def forward(self: nn.Module, *args: Any, **kwargs: Any) -> Any:
        if failures or (trains_alone and not self.training):
            return eager(self, *args, **kwargs)
        try:
            return compiled(self, *args, **kwargs)
        except TorchDynamoException as error:
            failures.append(error)
            reason = ' '.join(str(error).strip().partition('\n\n')[0].split())
            logger.warning(f'{type(self).__name__} is not compiled: {reason}')
        return eager(self, *args, **kwargs)

    part.forward = MethodType(forward, part)


def find_obstacle(device: torch.device) -> str | None:
    """Why `torch.compile` cannot work on a device; None if it can."""
    if not torch._dynamo.is_dynamo_supported():
        return 'this PyTorch cannot trace this Python version'
    if device.type == 'cuda':
        if importlib.util.find_spec('triton') is None:
            return 'Triton, which makes the kernels, is not installed'
        if torch.cuda.get_device_capability(device) < (7, 0):
            return 'Triton needs a GPU of compute capability 7.0 or higher'
    compilers = ('c++', 'g++', 'clang++')
    if device.type == 'cpu' and not any(map(shutil.which, compilers)):
        return 'a C++ compiler is missing'
    return None
