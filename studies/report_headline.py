"""Kept results -> the study's result in a few sentences."""

import numpy as np

from studies.arms import ARMS
from studies.intervals import compare_paired, format_interval, format_seeds
from studies.report_tables import Results, choose_pair, get_metric


def render_headline(grouped: Results) -> str:
    """The result in up to three sentences, with the numbers that are there."""
    sentences = []
    for key, title in (('set1', 'Set 1'), ('set2', 'Set 2')):
        change = _describe_change(grouped, f'ctr-{key}', f'msra-{key}')
        if change:
            sentences.append(
                f'Centring the targets and nothing else moves {title} {change}.'
            )
    adaptive, uniform = choose_pair(grouped)
    change = _describe_change(grouped, adaptive, uniform)
    if uniform and adaptive and change:
        sentences.append(
            f'From the best uniform sigma (`{uniform}`: {ARMS[uniform].title}) to the best '
            f'joint-adaptive table (`{adaptive}`: {ARMS[adaptive].title}), both chosen on '
            f'other people, AP goes {change}.'
        )
    return ' '.join(sentences) or 'No comparison is finished yet.'


def _describe_change(
    grouped: Results, arm: str | None, reference: str | None
) -> str | None:
    """'from .. to .. AP (..) without flip test, from .. to .. AP (..) with it'."""
    if arm not in grouped or reference not in grouped:
        return None
    plain, flip = (
        _describe_pair(grouped[arm], grouped[reference], test)
        for test in ('plain', 'flip')
    )
    return f'{plain} without flip test, {flip} with it' if plain else None


def _describe_pair(
    runs: dict[int, dict], reference: dict[int, dict], test: str
) -> str | None:
    """'from 55.9 to 63.8 AP (+7.9 ± 1.2, 3 seeds)' on the report part."""
    first, second = (get_metric(r, 'AP', 'report', test) for r in (reference, runs))
    difference = compare_paired(second, first)
    if difference is None:
        return None
    seeds = sorted(first.keys() & second.keys())
    old, new = (float(np.mean([v[seed] for seed in seeds])) for v in (first, second))
    return (
        f'from {old:.1f} to {new:.1f} AP ({format_interval(difference, signed=True)}, '
        f'{format_seeds(len(seeds))})'
    )
