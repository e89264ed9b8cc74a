"""Study results -> tables of maps decoded with the metric's sigmas, and of other people."""

from functools import lru_cache

import numpy as np
import pandas as pd

from studies.analysis.intervals import (
    compute_interval,
    format_interval,
    format_seeds,
)
from studies.analysis.people_bootstrap import bootstrap_difference
from studies.analysis.select_variants import select_pair
from studies.analysis.study_results import StudyResults
from studies.report.tables import to_markdown
from studies.variants.catalog import VARIANTS

NOT_RUN = 'Not run yet.'
_TESTS = {
    'plain': 'no flip test',
    'flip': 'flip test',
    'plain_oks': "no flip test, decoded with the metric's sigmas",
    'flip_oks': "flip test, decoded with the metric's sigmas",
}


def render_flip_tests(results: StudyResults) -> str:
    """Mean gain over the variants of the unbiased flip test against MMPose's two."""
    if not results.runs:
        return NOT_RUN
    ap = {
        test: pd.Series(
            {n: results.get_metric(n, 'AP', test=test).mean() for n in results.runs}
        )
        for test in ('flip', 'flip_shift1', 'flip_shift0')
    }
    gains = [(ap['flip'] - ap[test]).mean() for test in ('flip_shift1', 'flip_shift0')]
    return (
        'On average over the variants the unbiased flip test is better than '
        f'`shift_heatmap=True` by {gains[0]:.1f} AP and than `False` by {gains[1]:.1f}.'
    )


def render_decodings(results: StudyResults) -> str:
    """Variants that were also decoded with the metric's sigmas, and what that changes."""
    rows = []
    for name in VARIANTS:
        plain = results.get_metric(name, 'AP', test='plain_oks')
        if plain.empty:
            continue
        flip = results.get_metric(name, 'AP', test='flip_oks')
        gains = results.compare_ap(name, name, '_oks')
        cells = [format_interval(compute_interval(ap)) for ap in (plain, flip)]
        cells += [format_interval(gain, signed=True) for gain in gains]
        columns = ('AP', 'AP, flip', 'gain', 'gain, flip', 'gain select, flip')
        rows.append(
            {'variant': f'`{name}`', 'seeds': str(len(plain))}
            | dict(zip(columns, cells, strict=True))
        )
    return to_markdown(rows) if rows else NOT_RUN


def render_decoded_pair(results: StudyResults) -> str:
    """The pair that the rule selects among variants decoded with the metric's sigmas."""
    adaptive, uniform = select_pair(results, 'flip_oks')
    if not adaptive or not uniform:
        return 'No joint-adaptive and no uniform variant have been decoded so yet.'
    plain, flip, select = results.compare_ap(adaptive, uniform, '_oks', '_oks')
    if plain is None:
        return f'`{adaptive}` and `{uniform}` have no seed in common yet.'
    return (
        f'Selected among these: `{adaptive}` minus `{uniform}` is '
        f'{format_interval(plain, signed=True)} AP without flip test and '
        f'{format_interval(flip, signed=True)} with it ({format_seeds(plain.count)}; '
        f'{format_interval(select, signed=True)} with it on the selection split).'
    )


def render_people(results: StudyResults) -> str:
    """How far the difference of the selected pair depends on which people are looked at."""
    variant, reference = select_pair(results)
    if not variant or not reference:
        return NOT_RUN
    rows = []
    for test, title in _TESTS.items():
        row = {f'`{variant}` minus `{reference}`': title}
        for column, splits in {
            'AP, 200 people of the report split': ('report',),
            'AP, all 300': ('report', 'select'),
        }.items():
            people = [results.get_people(v, splits, test) for v in (variant, reference)]
            seeds = sorted(people[0].keys() & people[1].keys())
            if not seeds:
                return NOT_RUN
            row['seeds'] = str(len(seeds))
            mean, low, high = _bootstrap(
                *(tuple(_freeze(side[seed]) for seed in seeds) for side in people)
            )
            row[column] = f'{mean:+.1f} ({low:+.1f} to {high:+.1f})'
        rows.append(row)
    return to_markdown(rows)


def _freeze(people: np.ndarray) -> tuple[tuple[float, ...], ...]:
    return tuple(map(tuple, people.tolist()))


@lru_cache(maxsize=64)
def _bootstrap(variant: tuple, reference: tuple) -> tuple[float, float, float]:
    """`bootstrap_difference` of hashable people: the same report is rendered often."""
    return bootstrap_difference(*(list(map(np.array, s)) for s in (variant, reference)))
