"""The printed report of a calibration."""

from collections.abc import Sequence

import numpy as np
from scipy.stats import beta

from gm_pose.calibration.reliability import Assessment, Reliability


def format_report(
    before: Assessment,
    after: Assessment,
    peaks: tuple[Reliability, Reliability],
    joint_names: Sequence[str],
) -> str:
    """Assessments without and with the calibration -> tables in Markdown."""
    lines = [
        '| expected calibration error | peak | before | after |',
        '|:---|---:|---:|---:|',
        _format_row('OKS of labelled joints', peaks[0], before.oks, after.oks),
        _format_row('presence', peaks[1], before.presence, after.presence),
        '',
        '| predicted OKS | joints | mean predicted | mean true |',
        '|:---|---:|---:|---:|',
        *_list_bins(after.oks),
        '',
        '| joint | labelled | in the 95 % ellipse, before | after | 95 % interval |',
        '|:---|---:|---:|---:|:---|',
    ]
    for k, name in enumerate(joint_names):
        lines.append(_format_joint(name, before.covered[k], after, k))
    total, share = int(after.counts.sum()), after.covered_in_all
    low, high = _find_interval(round(share * total), total)
    lines.append(
        f'| **all** | {total} | {before.covered_in_all:.1%} | {share:.1%} | '
        f'{low:.1%} to {high:.1%} |'
    )
    return '\n'.join(lines)


def _format_row(what: str, *columns: Reliability) -> str:
    return f'| {what} | ' + ' | '.join(f'{c.error:.3f}' for c in columns) + ' |'


def _list_bins(reliability: Reliability) -> list[str]:
    edges = np.linspace(0, 1, len(reliability.counts) + 1)
    rows = zip(
        edges,
        edges[1:],
        reliability.counts,
        reliability.predicted,
        reliability.observed,
        strict=False,
    )
    return [
        f'| {low:.1f} to {high:.1f} | {count} | {predicted:.2f} | {observed:.2f} |'
        for low, high, count, predicted, observed in rows
        if count
    ]


def _format_joint(name: str, before: float, after: Assessment, joint: int) -> str:
    count = int(after.counts[joint])
    if not count:
        return f'| {name} | 0 | | | |'
    share = after.covered[joint]
    low, high = _find_interval(round(share * count), count)
    return (
        f'| {name} | {count} | {before:.1%} | {share:.1%} | {low:.1%} to {high:.1%} |'
    )


def _find_interval(hits: int, count: int) -> tuple[float, float]:
    """Clopper and Pearson's 95 % interval of a share."""
    low = beta.ppf(0.025, hits, count - hits + 1) if hits else 0.0
    high = beta.ppf(0.975, hits + 1, count - hits) if hits < count else 1.0
    return float(low), float(high)
