"""Means over seeds with Student-t intervals (numpy and scipy only)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np
from scipy import stats

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Interval:
    """A mean of `count` values and the half-width of its interval.

    `half_width` is None where one value leaves the spread unknown.
    """

    mean: float
    half_width: float | None
    count: int

    @property
    def is_above_zero(self) -> bool:
        """Whether the whole interval lies above zero; False where it is unknown."""
        return self.half_width is not None and self.mean - self.half_width > 0


def compute_interval(values: Sequence[float]) -> Interval:
    """Values of n seeds -> mean +- ``t(0.975, n - 1) * s / sqrt(n)``, s with n - 1.

    Raises:
        ValueError: no values, or one that is not finite.
    """
    numbers = np.asarray(values, dtype=np.float64)
    if numbers.size == 0 or not np.isfinite(numbers).all():
        raise ValueError(f'an interval needs finite values, got {list(values)}')
    count = int(numbers.size)
    if count == 1:
        return Interval(float(numbers[0]), None, 1)
    quantile = float(stats.t.ppf((1 + CONFIDENCE) / 2, count - 1))
    spread = float(numbers.std(ddof=1))
    return Interval(float(numbers.mean()), quantile * spread / sqrt(count), count)


def compare_paired(
    values: Mapping[int, float], reference: Mapping[int, float]
) -> Interval | None:
    """Seed -> value of two arms -> interval of the differences over their common seeds.

    Seeds fix the start of the network and the order and crops of the images, so the
    difference of a pair varies less than the values do. None without a common seed.
    """
    seeds = sorted(values.keys() & reference.keys())
    if not seeds:
        return None
    return compute_interval([values[seed] - reference[seed] for seed in seeds])


def format_seeds(count: int) -> str:
    """'1 seed', '5 seeds'."""
    return '1 seed' if count == 1 else f'{count} seeds'


def format_interval(interval: Interval | None, signed: bool = False) -> str:
    """'72.3 +- 0.4', '+1.2 +- 0.3', '72.3' for one seed, a dash for none."""
    if interval is None:
        return '-'
    text = f'{interval.mean:+.1f}' if signed else f'{interval.mean:.1f}'
    if interval.half_width is None:
        return text
    return f'{text} ± {interval.half_width:.1f}'
