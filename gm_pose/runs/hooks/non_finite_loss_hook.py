"""A loss of NaN or infinity stops the run, with what it takes to see it again."""

import io
import os.path as osp
from typing import Any, NamedTuple

import torch
from mmengine.hooks import Hook
from mmengine.optim import OptimWrapper
from mmengine.runner import Runner
from mmpose.registry import HOOKS

from gm_pose.runs.files.atomic_files import write_atomically
from gm_pose.runs.hooks.batch_samples import get_samples, list_sample_names
from gm_pose.runs.hooks.loss_flag import LossFlag, can_skip_steps
from gm_pose.runs.resume.loss_dump import pack_loss_dump
from gm_pose.runs.resume.rng_state import pack_rng, read_rng
from gm_pose.runs.user_errors import UserError


class _Step(NamedTuple):
    """A training step whose loss is computed, with what it takes to compute it again."""

    epoch: int
    iteration: int
    batch: dict | None
    rng: dict | None
    loss: torch.Tensor


@HOOKS.register_module()
class NonFiniteLossHook(Hook):
    """Stop at the first loss that is not finite, before the optimizer's step.

    MMEngine's `CheckInvalidLossHook` looks every 50 iterations and after the step, when
    the weights are NaN too and show nothing. Here the loss is looked at between forward
    and backward pass, and weights, batch and random states go into
    ``non_finite_loss_iter_N.pth`` in the work directory, which
    ``python -m gm_pose replay-loss FILE`` computes again. On a GPU the look waits for the
    forward pass; MMPose's `HeatmapHead` waits there already to compute `acc_pose`.

    Args:
        delayed: wait for no loss: the step of a bad one is skipped on the device, and the
            run stops before the next iteration, with the same weights, message and dump.
            Needs an optimizer with ``fused=True`` and no gradient scaler; with any other
            the loss is looked at as without `delayed`.

    Raises:
        UserError: (while training) with iteration, samples and the dump's name.
    """

    priority = 'VERY_LOW'

    def __init__(self, delayed: bool = False) -> None:
        self.delayed = delayed
        self._batch: dict | None = None
        self._rng: dict | None = None
        self._flag: LossFlag | None = None
        self._unread: _Step | None = None

    def before_train(self, runner: Runner) -> None:
        wrapper = runner.optim_wrapper
        if not isinstance(wrapper, OptimWrapper):
            runner.logger.warning(
                f'{type(self).__name__} cannot look into {type(wrapper).__name__}: a loss '
                'that is not finite will not stop the run'
            )
            return
        if self.delayed and can_skip_steps(wrapper):
            self._flag = LossFlag(wrapper.optimizer)
        update = wrapper.update_params

        def update_if_finite(loss: torch.Tensor, *args: Any, **kwargs: Any) -> None:
            step = _Step(
                runner.epoch, runner.iter, self._batch, self._rng, loss.detach()
            )
            if self._flag is not None:
                self._flag.update(loss)
                self._unread = step
            elif not bool(torch.isfinite(step.loss).all()):
                self._stop(runner, step)
            update(loss, *args, **kwargs)

        wrapper.update_params = update_if_finite

    def before_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: dict | None = None
    ) -> None:
        self._read(runner)
        self._batch = data_batch
        self._rng = read_rng()

    def after_train_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: dict | None = None,
        outputs: dict | None = None,
    ) -> None:
        self._batch = self._rng = None

    def after_train_epoch(self, runner: Runner) -> None:
        self._read(runner)

    def before_val(self, runner: Runner) -> None:
        self._read(runner)

    def before_gather_checkpoint(self, runner: Runner) -> None:
        """No checkpoint before the last loss is known, in any process."""
        self._read(runner)

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """The same where MMEngine's own `CheckpointHook` saves."""
        self._read(runner)

    def after_train(self, runner: Runner) -> None:
        self._read(runner)
        if self._flag is not None:
            self._flag.release()
            self._flag = None

    def _read(self, runner: Runner) -> None:
        """Learn about the last step, where that is still to be done."""
        step, self._unread = self._unread, None
        if step is None or self._flag is None:
            return
        own, any_process = self._flag.read()
        if own:
            self._stop(runner, step)
        if any_process:
            raise UserError(
                f'the loss of another process is not finite at epoch {step.epoch + 1}, '
                f"iteration {step.iteration + 1}. Fix: see that process's message"
            )

    def _stop(self, runner: Runner, step: _Step) -> None:
        rank = f'_rank{runner.rank}' if runner.world_size > 1 else ''
        name = f'non_finite_loss_iter_{step.iteration + 1}{rank}.pth'
        path = osp.join(runner.work_dir, name)
        rng = None if step.rng is None else pack_rng(step.rng)
        dump = pack_loss_dump(runner.model, runner.cfg, step.batch, rng)
        dataset = runner.train_dataloader.dataset
        names = list_sample_names(get_samples(step.batch), dataset)
        dump['meta'].update(
            epoch=step.epoch,
            iter=step.iteration,
            loss=float(step.loss),
            samples=names,
        )
        try:
            with io.BytesIO() as file:
                torch.save(dump, file)
                write_atomically(path, file.getvalue())
            how = f'see it again with `python -m gm_pose replay-loss {path}`'
        except OSError as error:
            how = f'the dump {path} could not be written ({error})'
        raise UserError(
            f'the loss is {float(step.loss)} at epoch {step.epoch + 1}, iteration '
            f"{step.iteration + 1}, before the optimizer's step; samples in the batch: "
            f'{", ".join(names)}; {how}. Fix: correct these samples or lower the '
            'learning rate, and go on with --resume'
        )
