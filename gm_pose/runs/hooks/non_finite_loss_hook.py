"""A loss of NaN or infinity stops the run, with what it takes to see it again."""

import io
import os.path as osp
from typing import Any

import torch
from mmengine.hooks import Hook
from mmengine.optim import OptimWrapper
from mmengine.runner import Runner
from mmpose.registry import HOOKS

from gm_pose.runs.files.atomic_files import write_atomically
from gm_pose.runs.hooks.batch_samples import get_samples, list_sample_names
from gm_pose.runs.resume.loss_dump import pack_loss_dump
from gm_pose.runs.resume.rng_state import pack_rng, read_rng
from gm_pose.runs.user_errors import UserError


@HOOKS.register_module()
class NonFiniteLossHook(Hook):
    """Stop at the first loss that is not finite, before the optimizer's step.

    MMEngine's `CheckInvalidLossHook` looks every 50 iterations and after the step, when
    the weights are NaN too and show nothing. Here the loss is looked at between forward
    and backward pass, and weights, batch and random states go into
    ``non_finite_loss_iter_N.pth`` in the work directory, which
    ``python -m gm_pose replay-loss FILE`` computes again. On a GPU the look waits for the
    forward pass; MMPose's `HeatmapHead` waits there already to compute `acc_pose`.

    Raises:
        UserError: (while training) with iteration, samples and the dump's name.
    """

    priority = 'VERY_LOW'

    def __init__(self) -> None:
        self._batch: dict | None = None
        self._rng: dict | None = None

    def before_train(self, runner: Runner) -> None:
        wrapper = runner.optim_wrapper
        if not isinstance(wrapper, OptimWrapper):
            runner.logger.warning(
                f'{type(self).__name__} cannot look into {type(wrapper).__name__}: a loss '
                'that is not finite will not stop the run'
            )
            return
        update = wrapper.update_params

        def update_if_finite(loss: torch.Tensor, *args: Any, **kwargs: Any) -> None:
            if not bool(torch.isfinite(loss.detach()).all()):
                self._stop(runner, loss)
            update(loss, *args, **kwargs)

        wrapper.update_params = update_if_finite

    def before_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: dict | None = None
    ) -> None:
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

    def _stop(self, runner: Runner, loss: torch.Tensor) -> None:
        rank = f'_rank{runner.rank}' if runner.world_size > 1 else ''
        name = f'non_finite_loss_iter_{runner.iter + 1}{rank}.pth'
        path = osp.join(runner.work_dir, name)
        rng = None if self._rng is None else pack_rng(self._rng)
        dump = pack_loss_dump(runner.model, runner.cfg, self._batch, rng)
        dataset = runner.train_dataloader.dataset
        names = list_sample_names(get_samples(self._batch), dataset)
        dump['meta'].update(epoch=runner.epoch, iter=runner.iter, loss=float(loss))
        dump['meta']['samples'] = names
        try:
            with io.BytesIO() as file:
                torch.save(dump, file)
                write_atomically(path, file.getvalue())
            how = f'see it again with `python -m gm_pose replay-loss {path}`'
        except OSError as error:
            how = f'the dump {path} could not be written ({error})'
        raise UserError(
            f'the loss is {float(loss)} at epoch {runner.epoch + 1}, iteration '
            f"{runner.iter + 1}, before the optimizer's step; samples in the batch: "
            f'{", ".join(names)}; {how}. Fix: correct these samples or lower the '
            'learning rate, and go on with --resume'
        )
