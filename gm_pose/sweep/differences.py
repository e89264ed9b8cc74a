"""Differences in AP between two candidates, over other people and other trainings.

Runs of two candidates are paired by seed: the same people, the same crops in the same
order, and the same initial weights. Two things vary: which people are there, and how a
training happens to go. The variance over people is the bootstrap's, of the mean over the
seeds; that over seeds is ``s^2 / n`` of the n paired differences. Their sum is that of the
mean difference (what person and seed do together is in both, so the interval is rather too
wide), and the interval is Student's, with Satterthwaite's degrees of freedom:
``(Vp + Vs)^2 / (Vp^2 / (I - 1) + Vs^2 / (n - 1))`` for I images. A bootstrap over seeds
would be too narrow: three of them have only a third of the variance left out by chance.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import stats

if TYPE_CHECKING:
    from gm_pose.report.analysis.run_analysis import MeasuredRun

__all__ = ['CONFIDENCE', 'Difference', 'Range', 'compare_candidates']

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Range:
    """An interval, in points of AP."""

    low: float
    high: float

    @property
    def excludes_zero(self) -> bool:
        return self.low > 0 or self.high < 0

    def __str__(self) -> str:
        return f'{self.low:+.1f} to {self.high:+.1f}'


@dataclass(frozen=True)
class Difference:
    """AP of a candidate minus that of another, in points of AP.

    Attributes:
        mean: over the common seeds.
        seeds: that both were trained with.
        people: 95 % interval over people, for these trainings.
        trainings: 95 % interval over seeds, on these people; None with one seed.
        both: 95 % interval over people and seeds; None with one seed.
    """

    mean: float
    seeds: tuple[int, ...]
    people: Range
    trainings: Range | None
    both: Range | None

    @property
    def is_real(self) -> bool:
        """Whether other people and other trainings would show the same sign."""
        return self.both is not None and self.both.excludes_zero


def compare_candidates(
    runs: dict[int, MeasuredRun], others: dict[int, MeasuredRun]
) -> Difference | None:
    """Runs of two candidates by seed -> difference; None without a common seed."""
    seeds = sorted(set(runs) & set(others))
    if not seeds:
        return None
    values = np.array([100 * (runs[s].ap.value - others[s].ap.value) for s in seeds])
    samples = 100 * np.mean(
        [runs[s].ap_samples - others[s].ap_samples for s in seeds], axis=0
    )
    samples = samples[np.isfinite(samples)]
    mean, count = float(values.mean()), len(seeds)
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(samples, [tail, 1 - tail])
    people = Range(float(low), float(high))
    if count == 1:
        return Difference(mean, tuple(seeds), people, None, None)
    by_people = float(samples.var())
    by_seeds = float(values.var(ddof=1)) / count
    images = runs[seeds[0]].image_counts.shape[1]
    return Difference(
        mean,
        tuple(seeds),
        people,
        _student(mean, by_seeds, count - 1),
        _student(
            mean,
            by_people + by_seeds,
            _count_freedom((by_people, images - 1), (by_seeds, count - 1)),
        ),
    )


def _student(mean: float, variance: float, freedom: float) -> Range:
    half = float(stats.t.ppf((1 + CONFIDENCE) / 2, freedom) * np.sqrt(variance))
    return Range(mean - half, mean + half)


def _count_freedom(*terms: tuple[float, int]) -> float:
    """Variances and their degrees of freedom -> Satterthwaite's of the sum."""
    total = sum(variance for variance, _ in terms)
    spread = sum(variance**2 / max(freedom, 1) for variance, freedom in terms)
    return total**2 / spread if spread > 0 else float(terms[0][1])
