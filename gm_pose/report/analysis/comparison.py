"""Two settings on the same people: paired differences, and whether they are real."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from gm_pose.report.analysis.estimates import (
    CONFIDENCE,
    Estimate,
    estimate,
    resample_means,
)
from gm_pose.report.analysis.run_analysis import MeasuredRun
from gm_pose.report.analysis.seed_intervals import Interval, compute_interval
from gm_pose.runs.user_errors import UserError

__all__ = [
    'Comparison',
    'JointChange',
    'check_same_people',
    'compare_joints',
    'compare_settings',
    'judge',
]


class JointChange(NamedTuple):
    """Difference in mean OKS of a joint; its interval holds for all joints together."""

    name: str
    change: Estimate


@dataclass(frozen=True)
class Comparison:
    """A setting against the reference, means over the seeds of each.

    Attributes:
        label: of the setting.
        reference: label of the reference.
        ap: difference in AP, interval over people.
        seeds: difference in AP, interval over seeds; None with fewer than two of either.
        num_seeds: runs of the reference and of the setting.
        joints: K.
        people: (N,) differences in OKS.
    """

    label: str
    reference: str
    ap: Estimate
    seeds: Interval | None
    num_seeds: tuple[int, int]
    joints: list[JointChange]
    people: NDArray[np.float64]

    def rank_people(self, count: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Rows of at most `count` people each who gained and who lost most."""
        order = np.argsort(self.people, kind='stable')
        lost = [n for n in order[:count] if self.people[n] < 0]
        gained = [n for n in order[::-1][:count] if self.people[n] > 0]
        return np.array(gained, int), np.array(lost, int)


def check_same_people(runs: list[MeasuredRun]) -> None:
    """Raise UserError unless all runs are measured on the same annotations and joints."""
    first = runs[0].inputs
    for run in runs[1:]:
        other = run.inputs
        same = (
            np.array_equal(first.data.annotation_ids, other.data.annotation_ids)
            and np.array_equal(first.data.image_ids, other.data.image_ids)
            and np.array_equal(first.data.truth.keypoints, other.data.truth.keypoints)
            # MMPose keeps them in float32
            and np.allclose(first.joints.oks_sigmas, other.joints.oks_sigmas)
        )
        if not same:
            raise UserError(
                f'{first.label} ({first.data.source}) and {other.label} '
                f'({other.data.source}) are measured on different people or OKS sigmas. '
                'Fix: give all runs the same annotations with --ann'
            )


def compare_settings(
    reference: list[MeasuredRun], setting: list[MeasuredRun]
) -> Comparison:
    """Runs of two settings on the same people, one for each seed -> their differences.

    The bootstrap draws the same images for both, so that what makes some people hard for
    both does not widen the interval.
    """
    sides = (reference, setting)
    samples = [np.mean([run.ap_samples for run in side], axis=0) for side in sides]
    numbers = [[run.ap.value for run in side] for side in sides]
    similarities = [
        np.mean([run.errors.similarities for run in side], axis=0) for side in sides
    ]
    oks = [np.mean([run.errors.oks for run in side], axis=0) for side in sides]
    first = reference[0]
    return Comparison(
        setting[0].inputs.label,
        first.inputs.label,
        estimate(
            float(np.mean(numbers[1]) - np.mean(numbers[0])), samples[1] - samples[0]
        ),
        _compare_seeds(reference, setting),
        (len(reference), len(setting)),
        compare_joints(
            similarities[1] - similarities[0],
            first.errors.images,
            first.image_counts,
            first.inputs.joints.names,
        ),
        oks[1] - oks[0],
    )


def _compare_seeds(
    reference: list[MeasuredRun], setting: list[MeasuredRun]
) -> Interval | None:
    """Paired by seed where both have the same ones, else Welch's interval."""
    if min(len(reference), len(setting)) < 2:
        return None
    by_seed = [
        {_get_seed(run): run.ap.value for run in runs} for runs in (reference, setting)
    ]
    paired = None not in by_seed[0] and set(by_seed[0]) == set(by_seed[1])
    if paired and len(by_seed[0]) == len(reference) == len(setting):
        return compute_interval([by_seed[1][s] - by_seed[0][s] for s in by_seed[0]])
    values = [[run.ap.value for run in runs] for runs in (setting, reference)]
    difference = float(np.mean(values[0]) - np.mean(values[1]))
    if np.var(values[0]) + np.var(values[1]) == 0:
        return Interval(difference, 0.0, min(len(v) for v in values))
    found = stats.ttest_ind(*values, equal_var=False).confidence_interval(CONFIDENCE)
    return Interval(
        difference, float(found.high - found.low) / 2, min(len(v) for v in values)
    )


def _get_seed(run: MeasuredRun) -> str | None:
    folder = run.inputs.folder
    return folder.facts.get('Seed') if folder is not None else None


def compare_joints(
    changes: NDArray[np.float64],
    images: NDArray[np.int64],
    image_counts: NDArray[np.int64],
    names: tuple[str, ...],
) -> list[JointChange]:
    """Differences (N, K) -> mean changes whose intervals hold for all K joints together.

    Of 17 joints that do not differ, one would leave its own 95 % interval in most
    comparisons. So the intervals are as many standard errors wide as the largest deviation
    of any joint is in 95 % of the samples (max-t bootstrap).
    """
    known = np.isfinite(changes)
    counts = np.maximum(known.sum(0), 1)
    means = np.where(known, changes, 0).sum(0) / counts
    samples = resample_means(changes, images, image_counts)
    alone = [estimate(m, s) for m, s in zip(means, samples.T, strict=True)]
    samples[:, [not interval.is_known for interval in alone]] = np.nan
    errors = np.ma.masked_invalid(samples).std(axis=0).filled(np.nan)
    deviations = np.abs(samples - means)
    scaled = np.divide(
        deviations, errors, out=np.zeros_like(deviations), where=errors > 0
    )
    factor = float(np.quantile(np.nanmax(scaled, axis=1), CONFIDENCE))
    return [
        JointChange(
            name, Estimate(float(m), float(m - factor * e), float(m + factor * e))
        )
        for name, m, e in zip(names, means, errors, strict=True)
    ]


def judge(comparison: Comparison) -> str:
    """Comparison -> a statement on whether its difference is significant."""
    ap, seeds = comparison.ap, comparison.seeds
    points = f'{abs(100 * ap.value):.1f} points of AP'
    over_people = f'95 % interval over people {_format_range(ap.low, ap.high)}'
    better = 'better' if ap.value > 0 else 'worse'
    label, reference = _quote(comparison.label), _quote(comparison.reference)
    start = f'{label} is {better} than {reference}'
    over_seeds = ''
    if seeds is not None and seeds.half_width is not None:
        ends = seeds.mean - seeds.half_width, seeds.mean + seeds.half_width
        over_seeds = f'over seeds {_format_range(*ends)}'
    if not ap.is_known:
        return (
            f'One image shows no difference between settings: {label} differs from '
            f'{reference} by {100 * ap.value:+.1f} points of AP on its people.'
        )
    if not ap.excludes_zero:
        intervals = ', '.join(filter(None, (over_people, over_seeds)))
        return (
            f'No significant difference: {label} differs from '
            f'{reference} by {100 * ap.value:+.1f} points of AP ({intervals}).'
        )
    if seeds is None or not over_seeds:
        return (
            f'{start} on these people: {points} ({over_people}). Whether training again '
            'would show it is not known: that takes at least 2 seeds of each.'
        )
    if seeds.sign:
        return (
            f'{start}: {points} ({over_people}, {over_seeds}). The difference is real.'
        )
    return (
        f'Not shown: {label} is {better} than {reference} on these people '
        f'by {points} ({over_people}), but seeds vary as much ({over_seeds}).'
    )


def _quote(label: str) -> str:
    """A label of several words in quotes."""
    return f'"{label}"' if ' ' in label else label


def _format_range(low: float, high: float) -> str:
    return f'{100 * low:+.1f} to {100 * high:+.1f}'
