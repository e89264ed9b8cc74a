"""The accuracy of a training batch, computed where it is shown."""

from collections.abc import Callable
from functools import wraps
from typing import Any

import torch
from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmpose.registry import HOOKS

from gm_pose.fast_lane.hooks.logged_iterations import is_logged
from gm_pose.runs.resume.wrapped_model import unwrap_model

__all__ = ['LogTimeAccuracyHook']


@HOOKS.register_module()
class LogTimeAccuracyHook(Hook):
    """Let the head compute `acc_pose` in the iterations that are logged.

    MMPose's heads copy all maps to the CPU for it in every iteration, 7 ms for 64 people
    and a wait for the device, and the log shows the last value alone. That value is the
    same here. A model whose ``train_cfg`` has ``compute_acc=False`` never computes it.

    The copies are numpy's, which has no bfloat16: under autocast the head's maps become
    float32 first, as they do a moment later in the loss.
    """

    def __init__(self) -> None:
        self._settings: dict[str, Any] = {}
        self._is_wanted = True

    def before_train(self, runner: Runner) -> None:
        model: Any = unwrap_model(runner.model)
        # a copy: the model's own may be the config's
        self._settings = model.train_cfg = dict(getattr(model, 'train_cfg', None) or {})
        self._is_wanted = self._settings.get('compute_acc', True)
        head = getattr(model, 'head', None)
        if head is not None and self._is_wanted:
            head.forward = _return_float32(head.forward)

    def before_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: dict | None = None
    ) -> None:
        is_shown = self._is_wanted and is_logged(runner, batch_idx)
        self._settings['compute_acc'] = is_shown

    def after_train(self, runner: Runner) -> None:
        self._settings['compute_acc'] = self._is_wanted


def _return_float32(forward: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(forward)
    def call(*args: Any, **kwargs: Any) -> Any:
        return _convert(forward(*args, **kwargs))

    return call


def _convert(maps: Any) -> Any:
    """A tensor, or a list or tuple of them, in float32."""
    if isinstance(maps, torch.Tensor):
        return maps.float()
    if isinstance(maps, (list, tuple)):
        return type(maps)(map(_convert, maps))
    return maps
