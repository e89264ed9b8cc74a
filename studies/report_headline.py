"""Kept results -> the study's result in a few sentences."""

import numpy as np

from studies.arms import ARMS
from studies.intervals import compare_paired, format_interval
from studies.report_tables import Results, choose_best, get_metric


def render_headline(grouped: Results) -> str:
    """The result in up to three sentences, with the numbers that are there."""
    sentences = []
    for key, title in (('set1', 'Set 1'), ('set2', 'Set 2')):
        pair = (grouped, f'ctr-{key}', f'msra-{key}')
        plain, flip = (_describe_pair(*pair, test) for test in ('plain', 'flip'))
        if plain and flip:
            sentences.append(
                f'Centring the targets and nothing else moves {title} {plain} without '
                f'flip test, {flip} with it.'
            )
    uniform, adaptive = choose_best(grouped, False), choose_best(grouped, True)
    row = None
    if uniform and adaptive:
        row = _describe_pair(grouped, adaptive, uniform, 'flip')
    if row:
        balanced = ARMS[adaptive].codec.get('balance_weights', False)
        table = 'table with its balanced loss' if balanced else 'table'
        sentences.append(
            f'From the best uniform sigma (`{uniform}`) to the best joint-adaptive {table} '
            f'(`{adaptive}`), both chosen on other people, AP goes {row}.'
        )
    return ' '.join(sentences) or 'No comparison is finished yet.'


def _describe_pair(grouped: Results, arm: str, reference: str, test: str) -> str | None:
    """'from 55.9 to 63.8 AP (+7.9 ± 1.2, 3 seeds)' on the report part."""
    if arm not in grouped or reference not in grouped:
        return None
    first, second = (
        get_metric(grouped[name], 'AP', 'report', test) for name in (reference, arm)
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
