"""Which iterations of training MMEngine's `LoggerHook` writes about."""

from mmengine.hooks import LoggerHook
from mmengine.runner import Runner

__all__ = ['is_logged']


def is_logged(runner: Runner, batch_idx: int) -> bool:
    """Whether this iteration of the training loop is logged; `LoggerHook`'s own rule.

    Args:
        runner: with any number of `LoggerHook`s.
        batch_idx: as hooks are given it, from 0.
    """
    for hook in runner.hooks:
        if not isinstance(hook, LoggerHook):
            continue
        if hook.every_n_inner_iters(batch_idx, hook.interval):
            return True
        loader = runner.train_dataloader
        is_short = len(loader) <= hook.interval
        if hook.end_of_epoch(loader, batch_idx) and (not hook.ignore_last or is_short):
            return True
    return False
