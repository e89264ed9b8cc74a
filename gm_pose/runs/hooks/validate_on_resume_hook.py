"""The validation that a kill has cut off, made up for on resuming."""

from mmengine.hooks import Hook
from mmengine.runner import EpochBasedTrainLoop, Runner
from mmpose.registry import HOOKS

_DONE = 'gm_pose_validated_at'


@HOOKS.register_module()
class ValidateOnResumeHook(Hook):
    """On resuming, validate first if the checkpoint's own validation is not on record.

    MMEngine saves a checkpoint before it validates it. A run killed while validating
    would go on without: its curve has a hole, and the best checkpoint may be missed for
    good. Validation advances no random numbers (`ExactResumeHook`), so doing it again
    where it was done, but not recorded, changes nothing.
    """

    priority = 'LOWEST'  # after CheckpointHook.before_train, which save_best needs

    def __init__(self) -> None:
        self._resumed = False

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        self._resumed = bool(runner._resume)

    def before_train(self, runner: Runner) -> None:
        if not self._resumed or runner.val_loop is None:
            return
        loop = runner.train_loop
        loop._decide_current_val_interval()
        by_epoch = isinstance(loop, EpochBasedTrainLoop)
        position = loop.epoch if by_epoch else loop.iter
        last = loop.max_epochs if by_epoch else loop.max_iters
        if by_epoch and loop.iter != loop.epoch * len(runner.train_dataloader):
            return  # within an epoch
        due = position % loop.val_interval == 0 or position == last
        if not due or position < max(loop.val_begin, 1):
            return
        if runner.message_hub.runtime_info.get(_DONE) == loop.iter:
            return
        runner.logger.info('the checkpoint was not validated yet: doing so now')
        runner.val_loop.run()

    def before_val_epoch(self, runner: Runner) -> None:
        # Before the metrics are there, so that a best checkpoint saved with them says so.
        runner.message_hub.update_info(_DONE, runner.iter)
