"""How far a difference of variants depends on the people and on the training's seed.

Each sample draws people and seeds anew, both with replacement: the seeds as pairs, since a
seed gives both variants the same start and crops, and the people the same for all models.
"""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from studies.analysis.people_bootstrap import compute_sampled_ap

Array = NDArray[np.floating]
NUM_SAMPLES = 1000
CONFIDENCE = 0.95


class Difference(NamedTuple):
    """A mean difference in AP over `count` seeds, and the ends of its 95 % interval."""

    mean: float
    low: float
    high: float
    count: int

    @property
    def is_above_zero(self) -> bool:
        """The whole interval is above zero."""
        return self.low > 0

    def __str__(self) -> str:
        return f'{self.mean:+.1f} ({self.low:+.1f} to {self.high:+.1f})'


def draw_counts(size: int, num_samples: int, seed: int = 0) -> NDArray[np.integer]:
    """How often each of `size` is drawn in `size` draws: (num_samples, size)."""
    draws = np.random.default_rng(seed).integers(size, size=(num_samples, size))
    counts = np.zeros((num_samples, size), np.int32)
    np.add.at(counts, (np.arange(num_samples)[:, None], draws), 1)
    return counts


def bootstrap_seeds_and_people(
    variant: Mapping[int, Array],
    reference: Mapping[int, Array],
    num_samples: int = NUM_SAMPLES,
) -> Difference:
    """Two variants on the same people -> the mean difference and its 95 % interval.

    Args:
        variant: seed -> OKS and scores (2, N) of the N people.
        reference: the same; seeds that only one of them has are left out.
        num_samples: of people and seeds.

    Raises:
        ValueError: no common seed.
    """
    seeds = sorted({*variant} & {*reference})
    if not seeds:
        raise ValueError('the variants have no seed in common')
    num_people = variant[seeds[0]].shape[1]
    counts = np.vstack(
        [np.ones((1, num_people), np.int32), draw_counts(num_people, num_samples)]
    )
    gaps = np.stack(
        [
            compute_sampled_ap(*variant[seed], counts)
            - compute_sampled_ap(*reference[seed], counts)
            for seed in seeds
        ],
        axis=1,
    )
    drawn = draw_counts(len(seeds), num_samples, seed=1) / len(seeds)
    samples = (gaps[1:] * drawn).sum(1)
    tail = 50 * (1 - CONFIDENCE)
    low, high = np.percentile(samples, (tail, 100 - tail))
    return Difference(float(gaps[0].mean()), float(low), float(high), len(seeds))
