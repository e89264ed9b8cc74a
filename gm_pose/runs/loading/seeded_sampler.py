"""Sampler that hands every sample a seed of its own."""

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np
from mmengine.dist import get_dist_info, sync_random_seed
from mmpose.registry import DATA_SAMPLERS
from torch.utils.data import DataLoader, Sampler

from gm_pose.runs.loading.sample_seed import SeededIndex, make_sample_seeds

__all__ = ['SeededSampler', 'find_seeded_sampler']

_BLOCK = 1024  # seeds made at a time


@DATA_SAMPLERS.register_module()
class SeededSampler(Sampler):
    """Any MMEngine sampler, its indices carrying seeds for `SeededDataset`.

    The seed follows from (run's seed, epoch, position in the order over all processes),
    so a sample's augmentation depends neither on the number of workers, nor on how long
    they have lived, nor on the number of processes: what resuming exactly needs, and what
    makes two processes with batch B see the samples of one with batch 2B.

    Args:
        dataset: passed on to the inner sampler.
        sampler: config of the inner sampler, for example ``dict(type='DefaultSampler')``.
        seed: the run's seed, the same in every process; drawn if None.
        mix: hand out `make_sample_seed`'s two words. If False: (run's seed, epoch,
            position) as they are, for a dataset that mixes them itself, as counter-based
            random numbers do.
    """

    def __init__(
        self, dataset: Any, sampler: dict, seed: int | None = None, mix: bool = True
    ):
        if not isinstance(sampler, dict) or 'type' not in sampler:
            raise ValueError(
                f'sampler is {sampler!r}; expected the config of the sampler to seed, for '
                "example sampler=dict(type='DefaultSampler', shuffle=True)"
            )
        self.seed = sync_random_seed() if seed is None else seed
        self.mix = mix
        self.inner = DATA_SAMPLERS.build(
            dict(sampler), default_args=dict(dataset=dataset, seed=self.seed)
        )
        self.rank, self.world_size = get_dist_info()
        self.epoch = 0
        self._skip = 0

    def __iter__(self) -> Iterator[SeededIndex]:
        skip, self._skip = self._skip, 0
        indices = itertools.islice(self.inner, skip, None)
        seeds = self._make_seeds(self.epoch, skip)
        for index, seed in zip(indices, seeds, strict=False):
            yield SeededIndex(index, seed)

    def _make_seeds(self, epoch: int, skip: int) -> Iterator[tuple[int, ...]]:
        """Seeds of this process's samples from the `skip`-th on, without an end."""
        block = max(1, min(_BLOCK, len(self.inner)))
        for start in itertools.count(skip, block):
            first = start * self.world_size + self.rank
            positions = range(first, first + block * self.world_size, self.world_size)
            if self.mix:
                words = make_sample_seeds(self.seed, epoch, np.array(positions))
                yield from map(tuple, words.tolist())
            else:
                yield from ((self.seed, epoch, position) for position in positions)

    def __len__(self) -> int:
        return len(self.inner)

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch, for the inner sampler's order and for the seeds."""
        self.epoch = epoch
        if hasattr(self.inner, 'set_epoch'):
            self.inner.set_epoch(epoch)

    def skip_next(self, count: int) -> None:
        """Leave out the first `count` samples of the next pass."""
        self._skip = count

    def describe(self) -> str:
        """The order in words, for comparing two runs."""
        describe = getattr(self.inner, 'describe', None)
        name = type(self.inner).__name__ if describe is None else describe()
        return f'{name} with seed {self.seed}'


def find_seeded_sampler(loader: DataLoader) -> SeededSampler | None:
    """The `SeededSampler` of a data loader, below its batch sampler too, or None."""
    inner = getattr(getattr(loader, 'batch_sampler', None), 'sampler', None)
    for sampler in (getattr(loader, 'sampler', None), inner):
        if isinstance(sampler, SeededSampler):
            return sampler
    return None
