"""Random numbers that depend on the seed and the epoch alone."""

from mmengine.hooks import Hook
from mmengine.registry import HOOKS
from mmengine.runner import Runner, set_random_seed

EPOCHS_PER_SEED = 10_000


@HOOKS.register_module()
class EpochSeedHook(Hook):
    """Seeds Python, numpy and torch before each epoch from (seed, epoch).

    MMEngine saves no state of random generators, so a resumed run would draw other
    augmentations than an uninterrupted one. With this hook both are the same run, and
    two variants of one seed see the same crops, whatever random numbers their parts use.
    """

    def before_train_epoch(self, runner: Runner) -> None:
        set_random_seed(runner.seed * EPOCHS_PER_SEED + runner.epoch)
