"""Means over seeds with Student-t intervals."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from gm_pose.report.analysis.estimates import CONFIDENCE

__all__ = ['Interval', 'compute_interval']


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


def compute_interval(values: Sequence[float]) -> Interval:
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
