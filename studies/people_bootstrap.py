"""AP of one person per image, and how far a difference of arms depends on the people.

The intervals over seeds say how another training would differ; these say how other people
would: the same trained models on people drawn anew, with replacement.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating]

OKS_THRESHOLDS = np.linspace(0.5, 0.95, 10)
RECALLS = np.linspace(0, 1, 101)
SCORE_THRESHOLD = 0.2  # CocoMetric's keypoint_score_thr
NUM_SAMPLES = 500


def score_people(joint_scores: Array) -> Array:
    """Scores of joints (N, K) -> of people (N,), as CocoMetric rescores ground-truth boxes.

    The mean of the joints above `SCORE_THRESHOLD`, 0 where there is none.
    """
    counted = joint_scores > SCORE_THRESHOLD
    total = np.where(counted, joint_scores, 0).sum(1)
    return total / np.maximum(counted.sum(1), 1)


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
    arm: Sequence[tuple[Array, Array]],
    reference: Sequence[tuple[Array, Array]],
    num_samples: int = NUM_SAMPLES,
) -> tuple[float, float]:
    """Two arms on the same people -> 95 % interval of the mean difference in AP.

    Each sample draws as many people anew, the same for all models.

    Args:
        arm: OKS (N,) and score (N,) of the N people, for each seed.
        reference: the same, same seeds.
        num_samples: of people drawn.
    """
    count = len(arm[0][0])
    rng = np.random.default_rng(0)
    differences = []
    for _ in range(num_samples):
        drawn = rng.integers(0, count, count)
        first, second = (
            np.mean([compute_ap(oks[drawn], scores[drawn]) for oks, scores in runs])
            for runs in (arm, reference)
        )
        differences.append(first - second)
    low, high = np.percentile(differences, (2.5, 97.5))
    return float(low), float(high)
