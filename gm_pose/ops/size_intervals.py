"""95 % intervals of a measured size (pure numpy)."""

from collections.abc import Sequence
from math import comb, sqrt

import numpy as np
from numpy.typing import NDArray

TAIL = 0.025
Z = 1.959964  # of the normal distribution, at TAIL


def find_median_interval(values: Sequence[float] | NDArray) -> tuple[float, float]:
    """Samples -> interval of their distribution's median, from order statistics.

    The r-th value from either end, r the largest with P(Bin(n, 1/2) < r) <= 2.5 %; no
    assumption on the distribution. NaN for fewer than 6 samples, where not even the whole
    range covers the median with 95 %.

    Example:
        >>> find_median_interval([1, 2, 3, 4, 5, 6])
        (1.0, 6.0)
    """
    count = len(values)
    if count > 1000:  # the binomial as a normal distribution
        rank = int(count / 2 - Z * sqrt(count) / 2)
    else:
        rank, below = 0, 1
        while below <= TAIL * 2**count:
            rank += 1
            below += comb(count, rank)
    if rank == 0:
        return float('nan'), float('nan')
    ordered = np.sort(np.asarray(values, dtype=np.float64))
    return float(ordered[rank - 1]), float(ordered[-rank])


def find_root_mean_interval(squares: Sequence[float] | NDArray) -> tuple[float, float]:
    """Samples of d^2 -> interval of sqrt(mean(d^2)): Student's t, on its logarithm.

    NaN for fewer than 2 samples, or where all are 0.

    Example:
        >>> low, high = find_root_mean_interval([1, 1, 1, 1])
        >>> (low, high)
        (1.0, 1.0)
    """
    count, mean = len(squares), float(np.mean(squares)) if len(squares) else 0.0
    if count < 2 or mean <= 0:
        return float('nan'), float('nan')
    error = float(np.std(squares, ddof=1)) / sqrt(count) / mean / 2
    factor = float(np.exp(_student_t(count - 1) * error))
    return mean**0.5 / factor, mean**0.5 * factor


def _student_t(degrees: int) -> float:
    """Quantile at 97.5 % (Abramowitz & Stegun 26.7.5); 2.26 of 2.26 for 9 degrees."""
    third = (5 * Z**5 + 16 * Z**3 + 3 * Z) / (96 * degrees**2)
    return Z + (Z**3 + Z) / (4 * degrees) + third
