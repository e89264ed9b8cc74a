"""Kept results -> the Markdown tables of docs/study.md."""

from collections import defaultdict
from collections.abc import Iterable

import numpy as np

from studies.arms import ARMS, GROUPS, Arm
from studies.intervals import (
    Interval,
    compare_paired,
    compute_interval,
    format_interval,
)

# arm -> seed -> result
Results = dict[str, dict[int, dict]]

# (arm, reference, what the difference shows)
COMPARISONS = (
    ('ctr-set1', 'msra-set1', 'centring alone, Set 1'),
    ('ctr-set2', 'msra-set2', 'centring alone, Set 2'),
    ('ctr-u2.0', 'msra-u2.0', 'centring alone, sigma 2 (exact but for borders)'),
    ('sub-u2.0', 'ctr-u2.0', 'sub-cell targets, sigma 2'),
    ('sub-u1.5', 'ctr-u1.5', 'sub-cell targets, sigma 1.5'),
    ('sub-set1', 'ctr-set1', 'sub-cell targets, Set 1'),
    ('sub-set2', 'ctr-set2', 'sub-cell targets, Set 2'),
    ('bal-set1', 'sub-set1', 'balanced loss, Set 1'),
    ('bal-set2', 'sub-set2', 'balanced loss, Set 2'),
    ('bal-set2-m2.0', 'sub-set2-m2.0', "balanced loss, Set 2's shape at mean 2"),
    ('bal-oks-m2.0', 'sub-oks-m2.0', 'balanced loss, OKS table'),
    ('bal-sqrt-m2.0', 'sub-sqrt-m2.0', 'balanced loss, square-root OKS table'),
    ('sub-u2.0-w-sqrt', 'sub-u2.0', 'weights alone (square-root OKS table)'),
    ('sub-u2.0-w-oks', 'sub-u2.0', 'weights alone (OKS table)'),
    ('sub-u2.0-w-hard', 'sub-u2.0', "MMPose's joint weights, uniform 2"),
    ('bal-sqrt-m2.0-w-hard', 'bal-sqrt-m2.0', "MMPose's joint weights, best table"),
    ('bal-sqrt-m2.0', 'sub-u2.0-w-sqrt', 'shape alone at equal weights'),
    ('bal-oks-m2.0', 'sub-u2.0-w-oks', 'shape alone at equal weights'),
    ('msra-set1-block', 'msra-set1', 'the block, Set 1 as published'),
    ('msra-set2-block', 'msra-set2', 'the block, Set 2 as published'),
    ('ctr-set1-block', 'ctr-set1', 'the block, Set 1 centred'),
    ('ctr-set2-block', 'ctr-set2', 'the block, Set 2 centred'),
    ('sub-u2.0-block', 'sub-u2.0', 'the block, uniform 2'),
    ('sub-u2.0-head', 'sub-u2.0', 'the block after the transposed convolutions'),
    ('bal-sqrt-m2.0-block', 'bal-sqrt-m2.0', 'the block, best table'),
    ('bal-sqrt-m2.0-head', 'bal-sqrt-m2.0', 'the block after, best table'),
    ('learn-u2.0', 'sub-u2.0', 'learned sigmas, balanced, from uniform 2'),
    ('learn-sqrt-m2.0', 'bal-sqrt-m2.0', 'learned sigmas from the best table'),
    ('swahr-u2.0', 'sub-u2.0', 'SWAHR, uniform 2'),
    ('wahr-u2.0', 'sub-u2.0', 'weight-adaptive loss alone, uniform 2'),
    ('swahr-bal-sqrt-m2.0', 'bal-sqrt-m2.0', 'SWAHR, best table'),
    ('ann-u2.0', 'sub-u2.0', 'annealing, uniform 2'),
    ('ann-bal-sqrt-m2.0', 'bal-sqrt-m2.0', 'annealing, best table'),
    ('ann-bal-sqrt-m2.0', 'ann-u2.0', 'table against uniform, both annealed'),
)


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
    """Seed -> result of one arm -> seed -> metric in percent."""
    return {s: r['evaluation'][part][test][metric] for s, r in runs.items()}


def choose_best(grouped: Results, adaptive: bool) -> str | None:
    """Best arm on the *select* part (mean AP with flip test), uniform or adaptive.

    Only arms with the largest number of seeds compete, so that a lucky single run does
    not win against a mean of several. Arms with a block, with hooks or with weights of
    their own do not compete here: this compares sigma tables.
    """
    candidates = {
        name: get_metric(runs, 'AP', 'select', 'flip')
        for name, runs in grouped.items()
        if is_candidate(ARMS[name], adaptive)
    }
    if not candidates:
        return None
    most = max(len(values) for values in candidates.values())
    full = {
        n: np.mean(list(v.values())) for n, v in candidates.items() if len(v) == most
    }
    return max(full, key=lambda name: full[name])


def is_candidate(arm: Arm, adaptive: bool) -> bool:
    """Whether an arm competes for the best uniform or best joint-adaptive table."""
    if arm.neck or arm.head or arm.hooks or arm.weights_of is not None:
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
        '| what | arm | minus | seeds | AP | AP, flip | interval above zero |',
        '|---|---|---|---|---|---|---|',
    ]
    uniform, adaptive = choose_best(grouped, False), choose_best(grouped, True)
    rows = list(COMPARISONS)
    if uniform and adaptive:
        rows.insert(0, (adaptive, uniform, '**best adaptive against best uniform**'))
    for arm, reference, what in rows:
        if arm not in grouped or reference not in grouped:
            continue
        plain, flip = (
            compare_paired(
                get_metric(grouped[arm], 'AP', 'report', test),
                get_metric(grouped[reference], 'AP', 'report', test),
            )
            for test in ('plain', 'flip')
        )
        if plain is None or flip is None:
            continue
        lines.append(
            f'| {what} | `{arm}` | `{reference}` | {flip.count} | '
            f'{format_interval(plain, signed=True)} | {format_interval(flip, signed=True)}'
            f' | {describe_sign(flip)} |'
        )
    return '\n'.join(lines)


def render_headline(grouped: Results) -> str:
    """The result in up to three sentences, with the numbers that are there."""
    sentences = []
    for key, title in (('set1', 'Set 1'), ('set2', 'Set 2')):
        row = _describe_pair(grouped, f'ctr-{key}', f'msra-{key}')
        if row:
            sentences.append(
                f'Centring the targets and nothing else moves {title} {row}.'
            )
    uniform, adaptive = choose_best(grouped, False), choose_best(grouped, True)
    row = _describe_pair(grouped, adaptive, uniform) if uniform and adaptive else None
    if row:
        sentences.append(
            f'From the best uniform sigma (`{uniform}`) to the best joint-adaptive table '
            f'(`{adaptive}`), both chosen on other people, AP goes {row}.'
        )
    return ' '.join(sentences) or 'No comparison is finished yet.'


def _describe_pair(grouped: Results, arm: str, reference: str) -> str | None:
    """'from 55.9 to 63.8 AP (+7.9 ± 1.2, 3 seeds)', with flip test, report part."""
    if arm not in grouped or reference not in grouped:
        return None
    first, second = (
        get_metric(grouped[name], 'AP', 'report', 'flip') for name in (reference, arm)
    )
    difference = compare_paired(second, first)
    if difference is None:
        return None
    seeds = sorted(first.keys() & second.keys())
    old, new = (float(np.mean([v[seed] for seed in seeds])) for v in (first, second))
    count = '1 seed' if len(seeds) == 1 else f'{len(seeds)} seeds'
    return (
        f'from {old:.1f} to {new:.1f} AP ({format_interval(difference, signed=True)}, '
        f'{count})'
    )


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
