"""The batch that the learning rate is meant for, against the batch actually used."""

from mmengine.dist import master_only
from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmpose.registry import HOOKS


@HOOKS.register_module()
class EffectiveBatchHook(Hook):
    """Say once if the effective batch differs from the recipe's and the rate does not.

    Effective batch = samples per process x processes x accumulated passes. The recipe's
    is ``auto_scale_lr.base_batch_size``; with ``--auto-scale-lr`` the rate follows it.
    """

    @master_only
    def before_train(self, runner: Runner) -> None:
        scaling = runner.auto_scale_lr or {}
        recipe = scaling.get('recipe_batch_size', scaling.get('base_batch_size'))
        if recipe is None or scaling.get('enable', False):
            return
        per_process = runner.train_dataloader.batch_size
        if per_process is None:
            return
        passes = getattr(runner.optim_wrapper, '_accumulative_counts', 1)
        effective = per_process * runner.world_size * passes
        if effective != recipe:
            runner.logger.warning(
                f'the effective batch is {effective} ({per_process} samples x '
                f'{runner.world_size} processes x {passes} accumulated passes), the '
                f'learning rate is meant for {recipe}: scale it with --auto-scale-lr, or '
                'set optim_wrapper.optimizer.lr'
            )
