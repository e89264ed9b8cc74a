"""One seed for each training sample; imports no mm* package."""

import numpy as np

__all__ = ['SeededIndex', 'make_sample_seed']


def make_sample_seed(seed: int, epoch: int, position: int) -> tuple[int, int]:
    """(run's seed, epoch, position in the epoch) -> two 32-bit words.

    `numpy.random.SeedSequence` mixes them, so that neighbouring positions and seeds give
    unrelated streams.
    """
    words = np.random.SeedSequence([seed, epoch, position]).generate_state(2)
    return int(words[0]), int(words[1])


class SeededIndex(int):
    """A dataset index that brings the seed of its sample along.

    It is how the epoch and the position reach a data loader's worker: a worker that
    lives on over epochs (`persistent_workers`) sees nothing but the indices.
    """

    seed: tuple[int, int]

    def __new__(cls, index: int, seed: tuple[int, int]) -> 'SeededIndex':
        self = super().__new__(cls, index)
        self.seed = seed
        return self

    def __reduce__(self) -> tuple[type, tuple[int, tuple[int, int]]]:
        return SeededIndex, (int(self), self.seed)
