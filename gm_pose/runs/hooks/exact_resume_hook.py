"""Resuming a run as if it had never stopped."""

from typing import Any

import torch
from mmengine.dist import all_gather_object
from mmengine.hooks import Hook
from mmengine.optim import OptimWrapper
from mmengine.runner import EpochBasedTrainLoop, Runner
from mmpose.registry import HOOKS

from gm_pose.runs.loading.seeded_sampler import find_seeded_sampler
from gm_pose.runs.resume.rng_state import capture_rng, restore_rng

KEY = 'gm_pose_run'


@HOOKS.register_module()
class ExactResumeHook(Hook):
    """Save and restore what MMEngine's checkpoint leaves out.

    MMEngine saves weights, optimizer, schedulers, loss scaler and EMA. A resumed run
    still differs from an uninterrupted one, because the random number generators start
    anew, a data loader's workers too, and an epoch is begun from its first batch. Here:

    * python's, numpy's, torch's and CUDA's generators of every process are saved, and
      put back at the first epoch after a resume;
    * validation does not advance them, and the data loader draws from a generator of
      its own, so that a run resumed after an epoch equals one that validated first;
    * augmentation is seeded per sample (`SeededSampler`, `SeededDataset`);
    * gradients accumulated towards the next step are saved;
    * a checkpoint saved within an epoch goes on with the epoch's next batch.

    Exact means: bit for bit on CPU, at the end of an epoch and within it, with the same
    batch size and number of processes and the same threads; on a GPU as far as its
    kernels are deterministic (``randomness=dict(deterministic=True)``). Several processes
    are exact at the end of an epoch; within one, BatchNorm's buffers and accumulated
    gradients are process 0's. What is not met is logged on resuming.
    """

    priority = 'VERY_HIGH'

    def __init__(self) -> None:
        self._gathered: list[dict] | None = None
        self._before_val: dict | None = None
        self._resumed: dict | None = None
        self._just_resumed = False

    def before_train(self, runner: Runner) -> None:
        generator = torch.Generator()
        generator.manual_seed(runner.seed or 0)
        runner.train_dataloader.generator = generator
        # Already here, for a checkpoint that is saved before the first epoch begins
        # (`ValidateOnResumeHook`), and again there: other hooks may draw in between.
        self._restore(runner)

    def before_val_epoch(self, runner: Runner) -> None:
        self._before_val = capture_rng()

    def after_val_epoch(self, runner: Runner, metrics: dict | None = None) -> None:
        if self._before_val is not None:
            restore_rng(self._before_val)
            self._before_val = None

    def before_gather_checkpoint(self, runner: Runner) -> None:
        """Collect every process's generators (called by `AtomicCheckpointHook`)."""
        self._gathered = all_gather_object(capture_rng())

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        checkpoint[KEY] = dict(
            rng=self._gathered or [capture_rng()],
            gradients=_copy_pending_gradients(runner),
            conditions=describe_conditions(runner),
        )
        self._gathered = None

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        if runner._resume:
            self._just_resumed = True
            self._resumed = checkpoint.get(KEY)

    def before_train_epoch(self, runner: Runner) -> None:
        if not self._just_resumed:
            return
        self._just_resumed = False
        self._skip_trained_batches(runner)
        self._restore(runner)
        state, self._resumed = self._resumed, None
        if state is None:
            runner.logger.warning(
                'the checkpoint holds no state of random number generators (it was not '
                'written by gm_pose): the resumed run is not exactly the one it continues'
            )
            return
        differences = [
            f'{name} is {now} and was {state["conditions"][name]}'
            for name, now in describe_conditions(runner).items()
            if state['conditions'].get(name, now) != now  # older ones have fewer
        ]
        if differences:
            runner.logger.warning(
                f'the resumed run is not exactly the one it continues: '
                f'{"; ".join(differences)}'
            )
        else:
            runner.logger.info('resumed with all random states: an exact continuation')

    def _restore(self, runner: Runner) -> None:
        """Put back random states and accumulated gradients."""
        if self._resumed is not None:
            states = self._resumed['rng']
            if runner.rank < len(states):
                restore_rng(states[runner.rank])
            _put_back_gradients(runner, self._resumed['gradients'])

    @staticmethod
    def _skip_trained_batches(runner: Runner) -> None:
        """Go on inside an epoch; MMEngine does so for `IterBasedTrainLoop` only."""
        if not isinstance(runner.train_loop, EpochBasedTrainLoop):
            return
        loader = runner.train_dataloader
        done = runner.iter - runner.epoch * len(loader)
        if done <= 0:
            return
        sampler = find_seeded_sampler(loader)
        if sampler is None or done > len(loader):
            runner.logger.warning(
                f'the checkpoint was saved {done} batches into an epoch of {len(loader)}, '
                'and its data order cannot be continued: the epoch starts again'
            )
            return
        sampler.skip_next(done * loader.batch_size)
        runner.logger.info(f'going on after batch {done} of epoch {runner.epoch + 1}')


def describe_conditions(runner: Runner) -> dict[str, Any]:
    """What must be the same for a resumed run to be exact -> name: plain value."""
    loader = runner.train_dataloader
    sampler = find_seeded_sampler(loader)
    describe = getattr(loader.dataset, 'describe', None)  # a dataset of the fast lane
    return {
        'seed': runner.seed,
        'number of processes': runner.world_size,
        'batch size': loader.batch_size,
        'number of training samples': len(loader.dataset),
        'data order': 'unseeded' if sampler is None else sampler.describe(),
        'loading': "MMPose's pipeline" if describe is None else describe(),
        'torch': torch.__version__.split('+')[0],
        'torch threads': torch.get_num_threads(),
    }


def _has_pending_gradients(wrapper: Any) -> bool:
    """Whether the last backward pass was not followed by an optimizer step."""
    if not isinstance(wrapper, OptimWrapper):
        return False
    counts, done = wrapper._accumulative_counts, wrapper._inner_count
    return counts > 1 and done % counts != 0 and done != wrapper._max_counts


def _copy_pending_gradients(runner: Runner) -> dict[str, torch.Tensor]:
    if not _has_pending_gradients(runner.optim_wrapper):
        return {}
    return {
        name: parameter.grad.detach().cpu().clone()
        for name, parameter in runner.model.named_parameters()
        if parameter.grad is not None
    }


def _put_back_gradients(runner: Runner, gradients: dict[str, torch.Tensor]) -> None:
    for name, parameter in runner.model.named_parameters():
        if name in gradients:
            parameter.grad = gradients[name].to(parameter.device, copy=True)
