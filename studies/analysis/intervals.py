"""Means over seeds with Student-t intervals."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
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
    def sign(self) -> str:
        """'above' or 'below' where the whole interval is on one side of zero, else ''."""
        if self.half_width is None or abs(self.mean) <= self.half_width:
            return ''
        return 'above' if self.mean > 0 else 'below'


def compute_interval(values: pd.Series) -> Interval:
    """Values of n seeds -> mean ± ``t(0.975, n - 1) * s / sqrt(n)``, s with n - 1.

    Raises:
        ValueError: no values, or one that is not finite.
    """
    if len(values) == 0 or not np.isfinite(values).all():
        raise ValueError(f'values are {list(values)}; expected finite numbers')
    mean, count = float(np.mean(values)), len(values)
    if count == 1:
        return Interval(mean, None, 1)
    half_width = stats.t.ppf((1 + CONFIDENCE) / 2, count - 1) * stats.sem(values)
    return Interval(mean, float(half_width), count)


def compare_paired(values: pd.Series, reference: pd.Series) -> Interval | None:
    """Values by seed of two variants -> interval of the differences over common seeds.

    Seeds fix the start of the network and the order and crops of the images, so the
    difference of a pair varies less than the values do. None without a common seed.
    """
    differences = (values - reference).dropna()
    return compute_interval(differences) if len(differences) else None


def format_seeds(count: int) -> str:
    """'1 seed', '5 seeds'."""
    return '1 seed' if count == 1 else f'{count} seeds'


def format_interval(interval: Interval | None, signed: bool = False) -> str:
    """'72.3 ± 0.4', '+1.2 ± 0.3', '72.3' for one seed, a dash for none."""
    if interval is None:
        return '-'
    text = f'{interval.mean:+.1f}' if signed else f'{interval.mean:.1f}'
    if interval.half_width is None:
        return text
    return f'{text} ± {interval.half_width:.1f}'
