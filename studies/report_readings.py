"""Kept results -> tables of maps read at OKS widths, and of other people."""

from functools import lru_cache

import numpy as np

from studies.arms import ARMS
from studies.comparisons import LEADS
from studies.intervals import compute_interval, format_interval, format_seeds
from studies.people_bootstrap import bootstrap_difference, compute_ap
from studies.report_tables import Results, choose_pair, compare_ap, get_metric


def render_goal(grouped: Results) -> str:
    """The rule's own pair, and narrow nose and eyes against uniform 2 in other settings."""
    picked = choose_pair(grouped)
    rows = [
        (*picked, 'the two arms that the rule picks on the part for choosing', ''),
        (*picked, 'these two, read at OKS widths', '_oks'),
    ]
    rows += [(*row, '') for row in LEADS if row[:2] != picked]
    lines = [
        '| arms | table | uniform | seeds | AP | AP, flip | AP select, flip |',
        '|---|---|---|---|---|---|---|',
    ]
    for arm, reference, what, reading in rows:
        if arm not in grouped or reference not in grouped:
            continue
        differences = compare_ap(grouped[arm], grouped[reference], reading, reading)
        if differences[0] is not None:
            cells = [format_interval(d, signed=True) for d in differences]
            lines.append(
                f'| {what} | `{arm}` | `{reference}` | {differences[0].count} | '
                + ' | '.join(cells) + ' |'
            )  # fmt: skip
    return '\n'.join(lines)


def render_readings(grouped: Results) -> str:
    """Arms whose maps were also read at the widths of OKS, and what that changes."""
    lines = [
        '| arm | seeds | AP | AP, flip | gain | gain, flip | gain select, flip |',
        '|---|---|---|---|---|---|---|',
    ]
    for arm in ARMS.values():
        runs = grouped.get(arm.name, {})
        wide = get_metric(runs, 'AP', 'report', 'plain_oks')
        if not wide:
            continue
        cells = [
            format_interval(compute_interval(list(values.values())))
            for values in (wide, get_metric(runs, 'AP', 'report', 'flip_oks'))
        ]
        gains = compare_ap(runs, runs, '_oks')
        cells += [format_interval(gain, signed=True) for gain in gains]
        lines.append(
            f'| {arm.title} (`{arm.name}`) | {len(wide)} | ' + ' | '.join(cells) + ' |'
        )
    return '\n'.join(lines)


def render_read_comparison(grouped: Results) -> str:
    """Best adaptive against best uniform table among those read at OKS widths."""
    adaptive, uniform = choose_pair(grouped, 'flip_oks')
    if not adaptive or not uniform:
        return 'No joint-adaptive and uniform arm have both been read so yet.'
    plain, flip, select = compare_ap(
        grouped[adaptive], grouped[uniform], '_oks', '_oks'
    )
    if plain is None:
        return f'`{adaptive}` and `{uniform}` have no seed in common yet.'
    return (
        f'The best of the arms with enough seeds: `{adaptive}` minus `{uniform}` is '
        f'{format_interval(plain, signed=True)} AP without flip test and '
        f'{format_interval(flip, signed=True)} with it over '
        f'{format_seeds(plain.count)}, '
        f'{format_interval(select, signed=True)} with it on the part for choosing.'
    )


def render_people(grouped: Results) -> str:
    """How far the difference of the picked arms depends on which people are looked at."""
    arm, reference = choose_pair(grouped)
    if not arm or not reference:
        return 'Not run yet.'
    lines = [
        f'| `{arm}` minus `{reference}` | seeds | AP, 200 people of the report part '
        '| AP, all 300 |',
        '|---|---|---|---|',
    ]
    for test, title in (
        ('plain', 'no flip test'), ('flip', 'flip test'),
        ('plain_oks', 'no flip test, read at OKS widths'),
        ('flip_oks', 'flip test, read at OKS widths'),
    ):  # fmt: skip
        cells = []
        for parts in (('report',), ('report', 'select')):
            people = [get_people(grouped[a], parts, test) for a in (arm, reference)]
            seeds = sorted(people[0].keys() & people[1].keys())
            if not seeds:
                return 'Not run yet.'
            pairs = [tuple(p[seed] for seed in seeds) for p in people]
            mean, low, high = _compare_people(*pairs)
            cells.append(f'{mean:+.1f} ({low:+.1f} to {high:+.1f})')
        lines.append(f'| {title} | {len(seeds)} | ' + ' | '.join(cells) + ' |')
    return '\n'.join(lines)


def get_people(
    runs: dict[int, dict], parts: tuple[str, ...], test: str
) -> dict[int, tuple[tuple[float, ...], tuple[float, ...]]]:
    """Results of one arm -> seed -> OKS and scores of the people of all `parts`."""
    found = {}
    for seed, run in runs.items():
        people = [run['evaluation'][p].get(test, {}).get('people') for p in parts]
        if all(people):
            found[seed] = tuple(
                tuple(value for p in people for value in p[key])
                for key in ('oks', 'score')
            )
    return found


@lru_cache(maxsize=64)
def _compare_people(arm: tuple, reference: tuple) -> tuple[float, float, float]:
    """OKS and scores for each seed of two arms -> mean difference in AP, its interval."""
    runs = [[(np.array(o), np.array(s)) for o, s in side] for side in (arm, reference)]
    first, second = (np.mean([compute_ap(*run) for run in side]) for side in runs)
    return float(first - second), *bootstrap_difference(*runs)
