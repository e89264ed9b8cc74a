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

    def compute_difference(people: NDArray[np.integer]) -> float:
        first, second = (
            np.mean([compute_ap(*run[:, people]) for run in runs])
            for runs in (variant, reference)
        )
        return float(first - second)

    people = np.arange(variant[0].shape[1])
    interval = stats.bootstrap(
        (people,),
        compute_difference,
        n_resamples=num_samples,
        vectorized=False,
        method='percentile',
        rng=np.random.default_rng(0),
    ).confidence_interval
    return compute_difference(people), float(interval.low), float(interval.high)
