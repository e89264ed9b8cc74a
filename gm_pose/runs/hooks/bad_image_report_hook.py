"""Unreadable training images: counted, reported, and stopped at when too many."""

import os.path as osp
from pathlib import Path

from mmengine.dist import all_gather_object
from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmpose.registry import HOOKS

from gm_pose.runs.hooks.batch_samples import get_samples, iter_skipped_images
from gm_pose.runs.user_errors import UserError

_SHOWN = 10


@HOOKS.register_module()
class BadImageReportHook(Hook):
    """Report the images that `SeededDataset` skipped, at the end of each epoch.

    An image counts once, however many people it shows and however often it is met.
    A process stops as soon as it has met more than the share itself; at the end of an
    epoch all of them stop if they have together.

    Args:
        max_share: share of the training images that may be unreadable; 0 stops at the
            first.

    Raises:
        ValueError: `max_share` is not within [0, 1].
        UserError: (while training) more images are unreadable; they are listed in
            `unreadable_images.txt` in the work directory.
    """

    def __init__(self, max_share: float = 0.01):
        if not 0 <= max_share <= 1:
            raise ValueError(f'max_share must be within 0 and 1, got {max_share}')
        self.max_share = max_share
        self._samples: dict[str, int] = {}
        self._num_images: int | None = None

    def before_train_epoch(self, runner: Runner) -> None:
        self._samples = {}

    def before_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: dict | None = None
    ) -> None:
        before = len(self._samples)
        for reason in iter_skipped_images(get_samples(data_batch)):
            self._samples[reason] = self._samples.get(reason, 0) + 1
        if len(self._samples) > before:
            self._stop_above_share(runner, self._samples)

    def after_train_epoch(self, runner: Runner) -> None:
        samples: dict[str, int] = {}
        for of_process in all_gather_object(self._samples):
            for reason, count in of_process.items():
                samples[reason] = samples.get(reason, 0) + count
        if samples:
            runner.logger.warning(
                f'epoch {runner.epoch + 1}: {len(samples)} of {self._count(runner)} '
                f'images are unreadable, and other samples took their place '
                f'{sum(samples.values())} times: {_list_some(samples)}'
            )
            self._stop_above_share(runner, samples)

    def _count(self, runner: Runner) -> int:
        """Number of training images; looked up when the first one is unreadable."""
        if self._num_images is None:
            dataset = runner.train_dataloader.dataset
            count = getattr(dataset, 'count_images', dataset.__len__)
            self._num_images = count()
        return self._num_images

    def _stop_above_share(self, runner: Runner, samples: dict[str, int]) -> None:
        count, total = len(samples), self._count(runner)
        if count <= self.max_share * total:
            return
        suffix = f'_rank{runner.rank}' if runner.rank else ''
        path = osp.join(runner.work_dir, f'unreadable_images{suffix}.txt')
        try:
            Path(path).write_text('\n'.join(sorted(samples)) + '\n')
            where = f'all in {path}'
        except OSError as error:
            where = f'{path} could not be written: {error.strerror}'
        raise UserError(
            f'{count} of {total} training images are unreadable, more than '
            f'BadImageReportHook.max_share={self.max_share:g} allows '
            f'({_list_some(samples)}; {where}). Fix: repair or remove them, or raise the '
            'share in custom_hooks'
        )


def _list_some(samples: dict[str, int]) -> str:
    shown = sorted(samples)[:_SHOWN]
    more = len(samples) - len(shown)
    return ', '.join(shown) + (f' and {more} more' if more else '')
