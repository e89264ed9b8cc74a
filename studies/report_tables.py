"""Kept results -> the Markdown tables of docs/study.md."""

from collections import defaultdict
from collections.abc import Iterable

import numpy as np

from studies.arm import Arm, DatasetWeights
from studies.arms import ARMS, GROUPS
from studies.comparisons import COMPARISONS
from studies.intervals import (
    Interval,
    compare_paired,
    compute_interval,
    format_interval,
)

ENOUGH_SEEDS = 3

# arm -> seed -> result
Results = dict[str, dict[int, dict]]


def group_results(results: Iterable[dict], dataset: str) -> Results:
    """List of results -> arm -> seed -> result, of one dataset, known arms only."""
    grouped: Results = defaultdict(dict)
    for result in results:
        if result['dataset'] == dataset and result['arm'] in ARMS:
            grouped[result['arm']][result['seed']] = result
    return dict(grouped)


def get_metric(
    runs: dict[int, dict], metric: str, part: str = 'report', test: str = 'plain'
) -> dict[int, float]:
    """Seed -> result of one arm -> seed -> metric in percent, of runs with this test."""
    evaluations = {seed: run['evaluation'][part] for seed, run in runs.items()}
    return {s: e[test][metric] for s, e in evaluations.items() if test in e}


# Part and flip test of the differences that the tables of comparisons have
_COMPARED = (('report', 'plain'), ('report', 'flip'), ('select', 'flip'))


def compare_ap(
    runs: dict[int, dict],
    reference: dict[int, dict],
    reading: str = '',
    reference_reading: str = '',
) -> list[Interval | None]:
    """Runs of two arms -> differences in AP: report plain, report flip, select flip.

    A reading is '' or '_oks', see `studies.evaluate_model.OKS_READINGS`.
    """
    return [
        compare_paired(
            get_metric(runs, 'AP', part, test + reading),
            get_metric(reference, 'AP', part, test + reference_reading),
        )
        for part, test in _COMPARED
    ]


def choose_best(grouped: Results, adaptive: bool, test: str = 'flip') -> str | None:
    """Best arm on the *select* part (mean AP in `test`), uniform or adaptive.

    Only arms with `ENOUGH_SEEDS` seeds compete (while none has, those with the most).
    Every two arms are compared over the seeds that both have, and the arm that wins most
    comparisons is the best (ties: its mean AP). So a lucky seed does not count against an
    arm that lacks it, and finalists with further seeds are told apart by all of them.
    Arms with a block, with hooks or with other weights do not compete here: this compares
    sigma tables, with the codec's balance or without. MMPose's own joint weights, to
    whatever power, are open to both sides.
    """
    candidates = {
        name: get_metric(runs, 'AP', 'select', test)
        for name, runs in grouped.items()
        if is_candidate(ARMS[name], adaptive)
    }
    enough = min(ENOUGH_SEEDS, max(map(len, candidates.values()), default=0))
    full = {n: v for n, v in candidates.items() if v and len(v) >= enough}

    def rank(name: str) -> tuple[int, float]:
        differences = (compare_paired(full[name], other) for other in full.values())
        wins = sum(d is not None and d.mean > 0 for d in differences)
        return wins, float(np.mean(list(full[name].values())))

    return max(full, key=rank, default=None)


def choose_pair(grouped: Results, test: str = 'flip') -> tuple[str | None, str | None]:
    """Best joint-adaptive and best uniform arm, see `choose_best`."""
    return choose_best(grouped, True, test), choose_best(grouped, False, test)


def is_candidate(arm: Arm, adaptive: bool) -> bool:
    """Whether an arm competes for the best uniform or best joint-adaptive table."""
    if arm.neck or arm.head or arm.hooks:
        return False
    if not isinstance(arm.weights_of, DatasetWeights | None):
        return False
    return isinstance(arm.codec['sigmas'], float) != adaptive


_COLUMNS = (
    ('AP', 'report', 'plain'),
    ('AP', 'report', 'flip'),
    ('AP50', 'report', 'flip'),
    ('AP75', 'report', 'flip'),
    ('AR', 'report', 'flip'),
    ('AP', 'report', 'flip_shift1'),
    ('AP', 'report', 'flip_shift0'),
    ('AP', 'select', 'flip'),
)


def render_arms(grouped: Results) -> str:
    """The table of all arms, by group: the report part, and AP of the select part."""
    lines = [
        '| arm | seeds | AP | AP, flip | AP50 | AP75 | AR | AP, flip, shift 1 / 0 '
        '| AP select, flip |',
        '|---|---|---|---|---|---|---|---|---|',
    ]
    for group, title in GROUPS.items():
        arms = [a for a in ARMS.values() if a.group == group and a.name in grouped]
        if arms:
            lines.append(f'| **{title}** | | | | | | | | |')
        for arm in arms:
            runs = grouped[arm.name]
            cells = [
                format_interval(compute_interval(list(get_metric(runs, *key).values())))
                for key in _COLUMNS
            ]
            cells[5:7] = [' / '.join(cells[5:7])]
            lines.append(
                f'| {arm.title} (`{arm.name}`) | {len(runs)} | '
                + ' | '.join(cells)
                + ' |'
            )
    return '\n'.join(lines)


def render_comparisons(grouped: Results) -> str:
    """The table of paired differences in AP, the goal's comparison first."""
    lines = [
        '| what | arm | minus | seeds | AP | AP, flip | flip interval above zero '
        '| AP select, flip |',
        '|---|---|---|---|---|---|---|---|',
    ]
    adaptive, uniform = choose_pair(grouped)
    rows = [row for row in COMPARISONS if row[:2] != (adaptive, uniform)]
    if uniform and adaptive:
        rows.insert(0, (adaptive, uniform, '**best adaptive against best uniform**'))
    for arm, reference, what in rows:
        if arm not in grouped or reference not in grouped:
            continue
        plain, flip, select = compare_ap(grouped[arm], grouped[reference])
        if plain is None or flip is None:
            continue
        lines.append(
            f'| {what} | `{arm}` | `{reference}` | {flip.count} | '
            f'{format_interval(plain, signed=True)} | {format_interval(flip, signed=True)}'
            f' | {describe_sign(flip)} | {format_interval(select, signed=True)} |'
        )
    return '\n'.join(lines)


def describe_sign(interval: Interval) -> str:
    """Whether an interval lies above zero, in words."""
    if interval.half_width is None:
        return 'one seed'
    if interval.is_above_zero:
        return 'yes'
    return 'below zero' if interval.mean + interval.half_width < 0 else 'no'


def average_joints(runs: dict[int, dict], key: str, test: str = 'plain') -> np.ndarray:
    """Mean over the seeds of a per-joint list of the report part: (K,) or (K, 2)."""
    return np.mean(
        [r['evaluation']['report'][test]['joints'][key] for r in runs.values()], axis=0
    )


def render_joints(grouped: Results, names: tuple[str, ...], arms: list[str]) -> str:
    """Per joint, for a few arms: mean OKS, median error and mean offset [x, y]."""
    arms = [arm for arm in arms if arm in grouped]
    lines = [
        '| joint | ' + ' | '.join(f'`{arm}`' for arm in arms) + ' |',
        '|---' * (len(arms) + 1) + '|',
    ]
    columns = [
        [
            average_joints(grouped[a], key)
            for key in ('mean_oks', 'median_error', 'mean_offset')
        ]
        for a in arms
    ]
    for k, name in enumerate(names):
        cells = [
            f'{100 * oks[k]:.1f} / {error[k]:.2f} / {offset[k][0]:+.2f} {offset[k][1]:+.2f}'
            for oks, error, offset in columns
        ]
        lines.append(f'| {name} | ' + ' | '.join(cells) + ' |')
    return '\n'.join(lines)
