"""Losses for the log, read from the device when the log is written."""

from typing import Any

import torch
from mmengine.hooks import RuntimeInfoHook
from mmengine.runner import Runner
from mmpose.registry import HOOKS

from gm_pose.fast_lane.hooks.logged_iterations import is_logged

__all__ = ['LateRuntimeInfoHook']

# Iterations whose losses are kept, where a log is written less often or never.
_MOST_KEPT = 200


@HOOKS.register_module()
class LateRuntimeInfoHook(RuntimeInfoHook):
    """MMEngine's `RuntimeInfoHook`, which waits for the device at logged iterations alone.

    MMEngine's reads every loss of every iteration with `item()`, which waits until the
    device has computed it. Here losses stay there until an iteration is logged, an epoch
    ends or a checkpoint is saved, and then go to the message hub in their order: the log
    and every checkpoint are the same.
    """

    def __init__(self) -> None:
        super().__init__()
        self._kept: list[tuple[str, Any]] = []
        self._num_iterations = 0

    def after_train_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: dict | None = None,
        outputs: dict | None = None,
    ) -> None:
        """Keep this iteration's losses."""
        for key, value in (outputs or {}).items():
            if torch.is_tensor(value):
                value = value.detach()  # not the graph behind it
            self._kept.append((f'train/{key}', value))
        self._num_iterations += 1
        if self._num_iterations >= _MOST_KEPT or is_logged(runner, batch_idx):
            self._hand_over(runner)

    def after_train_epoch(self, runner: Runner) -> None:
        self._hand_over(runner)

    def before_val(self, runner: Runner) -> None:
        self._hand_over(runner)
        super().before_val(runner)

    def after_train(self, runner: Runner) -> None:
        self._hand_over(runner)

    def before_gather_checkpoint(self, runner: Runner) -> None:
        """What a checkpoint is to hold, in every process."""
        self._hand_over(runner)

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """The same where MMEngine's own `CheckpointHook` saves."""
        if self._kept:
            self._hand_over(runner)
            checkpoint['message_hub'] = runner.message_hub.state_dict()

    def _hand_over(self, runner: Runner) -> None:
        """All that is kept -> message hub; one copy and one wait for each device."""
        kept, self._kept, self._num_iterations = self._kept, [], 0
        for (key, _), value in zip(
            kept, _read_values([v for _, v in kept]), strict=True
        ):
            runner.message_hub.update_scalar(key, value)


def _read_values(values: list[Any]) -> list[Any]:
    """The same with tensors of one element as numbers."""
    read = list(values)
    places: dict[tuple[torch.device, torch.dtype], list[int]] = {}
    for index, value in enumerate(values):
        if torch.is_tensor(value):
            places.setdefault((value.device, value.dtype), []).append(index)
    for indices in places.values():
        numbers = torch.stack([values[index].reshape(()) for index in indices])
        for index, number in zip(indices, numbers.tolist(), strict=True):
            read[index] = number
    return read
