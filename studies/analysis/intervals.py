"""Means over seeds with Student-t intervals."""

import pandas as pd

from gm_pose.report.analysis.seed_intervals import Interval, compute_interval

__all__ = [
    'Interval',
    'compare_paired',
    'compute_interval',
    'format_interval',
    'format_seeds',
]


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
