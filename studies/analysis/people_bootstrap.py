"""AP of one person per image, and how far a difference of variants depends on the people.

The intervals over seeds say how another training would differ; these say how other people
would: the same trained models on people drawn anew, with replacement.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import stats

Array = NDArray[np.floating]

OKS_THRESHOLDS = np.linspace(0.5, 0.95, 10)
RECALLS = np.linspace(0, 1, 101)
NUM_SAMPLES = 500
BLOCK = 50


def compute_ap(oks: Array, scores: Array) -> float:
    """OKS (N,) and scores (N,) of people with an image each -> COCO's AP in percent."""
    oks = oks[np.argsort(-scores, kind='mergesort')]
    count = len(oks)
    found = np.cumsum(oks >= OKS_THRESHOLDS[:, None], axis=1)
    precision = found / np.arange(1, count + 1)
    # at each recall the best precision of this recall and above
    precision = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
    precision = np.pad(precision, ((0, 0), (0, 1)))
    at = [np.searchsorted(row / count, RECALLS) for row in found]
    values = [row[index] for row, index in zip(precision, at, strict=True)]
    return 100 * float(np.mean(values))


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
    blocks = [  # as many as stay in the processor's cache
        _compute_block_ap(oks[order], counts[start : start + BLOCK, order])
        for start in range(0, len(counts), BLOCK)
    ]
    return np.concatenate(blocks)


def _compute_block_ap(oks: Array, counts: NDArray[np.integer]) -> NDArray[np.floating]:
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


def bootstrap_difference(
    variant: Sequence[Array], reference: Sequence[Array], num_samples: int = NUM_SAMPLES
) -> tuple[float, float, float]:
    """Two variants on the same people -> mean difference in AP, its 95 % interval.

    Each sample draws as many people anew, the same for all models.

    Args:
        variant: OKS and score (2, N) of the N people, for each seed.
        reference: the same, same seeds.
        num_samples: of people drawn.
    """

    def compute_differences(
        people: NDArray[np.integer], axis: int = -1
    ) -> NDArray[np.floating]:
        """Indices of people (..., N) -> difference in AP of each row."""
        rows = np.moveaxis(people, axis, -1).reshape(-1, count)
        counts = np.stack([np.bincount(row, minlength=count) for row in rows])
        first, second = (
            np.mean([compute_sampled_ap(*run, counts) for run in runs], axis=0)
            for runs in (variant, reference)
        )
        return (first - second).reshape(people.shape[:-1])

    count = variant[0].shape[1]
    people = np.arange(count)
    interval = stats.bootstrap(
        (people,),
        compute_differences,
        n_resamples=num_samples,
        vectorized=True,
        method='percentile',
        rng=np.random.default_rng(0),
    ).confidence_interval
    whole = float(compute_differences(people))
    return whole, float(interval.low), float(interval.high)
