"""How far a difference of variants depends on the people and on the training's seed.

Each sample draws people and seeds anew, both with replacement: the seeds as pairs, since a
seed gives both variants the same start and crops, and the people the same for all models.
"""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from studies.analysis.people_bootstrap import OKS_THRESHOLDS, RECALLS

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


def compute_sampled_ap(
    oks: Array, scores: Array, counts: NDArray[np.integer]
) -> NDArray[np.floating]:
    """AP in percent of samples in which person n stands ``counts[:, n]`` times.

    Equal to `compute_ap` of the people written out as often: a person's copies follow each
    other, and of the found ones only the last changes the best precision of a recall, of
    the others only the first.

    Args:
        oks: (N,) of people with an image each.
        scores: (N,).
        counts: (S, N), each row with the same sum.

    Returns:
        (S,).
    """
    order = np.argsort(-scores, kind='mergesort')
    oks, counts = oks[order], counts[:, order]
    ranks = counts.cumsum(1, dtype=np.int32)
    total = int(ranks[0, -1])
    # how many of the recalls lie up to each number of found people
    reached = np.searchsorted(RECALLS, np.arange(total + 1) / total, side='right')
    ap = np.zeros(len(counts))
    for threshold in OKS_THRESHOLDS:
        found = (counts * (oks >= threshold)).cumsum(1, dtype=np.int32)
        precision = found / np.maximum(ranks, 1)
        precision = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
        ap += (np.diff(reached[found], axis=1, prepend=0) * precision).sum(1)
    return 100 * ap / (len(RECALLS) * len(OKS_THRESHOLDS))


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
