"""Numbers with their bootstrap intervals over people."""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = [
    'CONFIDENCE',
    'Estimate',
    'estimate',
    'resample_means',
    'resample_quantiles',
]

CONFIDENCE = 0.95
ROUNDING = 1e-9  # of equal samples


class Estimate(NamedTuple):
    """A number and the ends of its 95 % interval; NaN where there is none."""

    value: float
    low: float
    high: float

    @property
    def excludes_zero(self) -> bool:
        """Whether the whole interval is on one side of zero."""
        return self.low > 0 or self.high < 0

    @property
    def is_known(self) -> bool:
        """Whether there is an interval."""
        return math.isfinite(self.low)

    def format_ends(
        self, template: str, scale: float = 100.0, spec: str = '.1f'
    ) -> str:
        """The interval in a template as ' ({} to {})'; '' where there is none."""
        if not self.is_known:
            return ''
        return template.format(
            *(f'{scale * end:{spec}}' for end in (self.low, self.high))
        )


def estimate(value: float, samples: NDArray[np.float64]) -> Estimate:
    """A number and its bootstrap samples (S,) -> percentile interval; NaNs are left out.

    There is none where all samples that have a number have the same one, and others have
    none: people of a single image, drawn again and again, say nothing about others.
    """
    finite = samples[np.isfinite(samples)]
    if not finite.size or (finite.size < samples.size and np.ptp(finite) < ROUNDING):
        return Estimate(float(value), float('nan'), float('nan'))
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(finite, [tail, 1 - tail])
    return Estimate(float(value), float(low), float(high))


def resample_means(
    values: NDArray[np.float64],
    images: NDArray[np.int64],
    image_counts: NDArray[np.int64],
) -> NDArray[np.float64]:
    """Values (N, ...), images (N,), counts (S, I) -> means (S, ...), NaNs left out."""
    flat = values.reshape(len(values), -1)
    shape = (image_counts.shape[1], flat.shape[1])
    sums, numbers = np.zeros(shape), np.zeros(shape)
    known = np.isfinite(flat)
    np.add.at(sums, images, np.where(known, flat, 0))
    np.add.at(numbers, images, known)
    totals = image_counts @ numbers
    means = np.full(totals.shape, np.nan)
    np.divide(image_counts @ sums, totals, out=means, where=totals > 0)
    return means.reshape(len(image_counts), *values.shape[1:])


def resample_quantiles(
    values: NDArray[np.float64],
    images: NDArray[np.int64],
    image_counts: NDArray[np.int64],
    quantiles: tuple[float, ...],
) -> NDArray[np.float64]:
    """Values (N,), their images (N,), counts (S, I) -> quantiles (S, Q), NaNs left out.

    The least value that at least this part of the sample does not exceed.
    """
    known = np.flatnonzero(np.isfinite(values))
    found = np.full((len(image_counts), len(quantiles)), np.nan)
    if not known.size:
        return found
    known = known[np.argsort(values[known])]
    counts = image_counts.astype(np.int32)
    totals = np.cumsum(counts[:, images[known]], axis=1, dtype=np.int32)
    has_people = totals[:, -1] > 0
    for column, quantile in enumerate(quantiles):
        reached = totals >= quantile * totals[:, -1:]
        found[:, column] = values[known[reached.argmax(1)]]
    found[~has_people] = np.nan
    return found
