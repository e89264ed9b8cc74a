"""Unreadable training images: counted, reported, and stopped at when too many."""

import os.path as osp
from pathlib import Path

from mmengine.dist import all_gather_object
from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmpose.registry import HOOKS

from gm_pose.datasets.unreadable_image import SKIPPED
from gm_pose.engine.user_errors import UserError

_SHOWN = 10


@HOOKS.register_module()
class BadImageReportHook(Hook):
    """Report the images that `GuardedDataset` skipped, at the end of each epoch.

    Args:
        max_share: share of an epoch's samples that may fall out. The run stops as soon
            as more have, without waiting for the epoch's end; 0 stops at the first.

    Raises:
        ValueError: `max_share` is not within [0, 1].
        UserError: (while training) more samples fell out; the images are listed in
            `unreadable_images.txt` in the work directory.
    """

    def __init__(self, max_share: float = 0.01):
        if not 0 <= max_share <= 1:
            raise ValueError(f'max_share must be within 0 and 1, got {max_share}')
        self.max_share = max_share
        self._reasons: dict[str, int] = {}
        self._seen = 0

    def before_train_epoch(self, runner: Runner) -> None:
        self._reasons, self._seen = {}, 0

    def before_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: dict | None = None
    ) -> None:
        samples = data_batch['data_samples'] if isinstance(data_batch, dict) else []
        self._seen += len(samples)
        for sample in samples:
            for reason in sample.metainfo.get(SKIPPED, []):
                self._reasons[reason] = self._reasons.get(reason, 0) + 1
        skipped = sum(self._reasons.values())
        if not skipped:
            return
        # This process's part of the epoch; an endless loader has no end to divide by.
        total = max(self._seen, len(runner.train_dataloader.sampler) or 1)
        if skipped > self.max_share * total:
            where = self._write_list(runner)
            raise UserError(
                f'{skipped} of {total} training samples have unreadable images, more than '
                f'BadImageReportHook.max_share={self.max_share:g} allows '
                f'({_list_some(self._reasons)}; all in {where}): mend or remove them, or '
                'raise the share in custom_hooks'
            )

    def after_train_epoch(self, runner: Runner) -> None:
        reasons: dict[str, int] = {}
        for part in all_gather_object(self._reasons):
            for reason, count in part.items():
                reasons[reason] = reasons.get(reason, 0) + count
        if reasons:
            runner.logger.warning(
                f'epoch {runner.epoch + 1}: {sum(reasons.values())} samples were replaced '
                f'because of {len(reasons)} unreadable images: {_list_some(reasons)}'
            )

    def _write_list(self, runner: Runner) -> str:
        suffix = f'_rank{runner.rank}' if runner.rank else ''
        path = osp.join(runner.work_dir, f'unreadable_images{suffix}.txt')
        Path(path).write_text('\n'.join(sorted(self._reasons)) + '\n')
        return path


def _list_some(reasons: dict[str, int]) -> str:
    shown = sorted(reasons)[:_SHOWN]
    more = len(reasons) - len(shown)
    return ', '.join(shown) + (f' and {more} more' if more else '')
