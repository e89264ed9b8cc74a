"""Study results -> Markdown tables over variants, comparisons and joints."""

import re

import pandas as pd

from studies.analysis.comparisons import COMPARISONS
from studies.analysis.intervals import compute_interval, format_interval
from studies.analysis.select_variants import select_pair
from studies.analysis.study_results import StudyResults
from studies.variants.catalog import GROUPS, VARIANTS

_COLUMNS = {
    'AP': ('AP', 'report', 'plain'),
    'AP, flip': ('AP', 'report', 'flip'),
    'AP50': ('AP50', 'report', 'flip'),
    'AP75': ('AP75', 'report', 'flip'),
    'AR': ('AR', 'report', 'flip'),
    'AP, shift 1': ('AP', 'report', 'flip_shift1'),
    'AP, shift 0': ('AP', 'report', 'flip_shift0'),
    'AP select, flip': ('AP', 'select', 'flip'),
}


def to_markdown(rows: list[dict]) -> str:
    """Rows of text by column -> a Markdown table without padding."""
    table = pd.DataFrame(rows).to_markdown(
        index=False, tablefmt='pipe', disable_numparse=True
    )
    # tabulate pads every cell to the widest of its column
    return re.sub('-{4,}', '---', re.sub(' {2,}', ' ', table))


def render_variants(results: StudyResults) -> str:
    """The table of all variants, by group: the report split, and AP of the other."""
    rows: list[dict] = []
    for group, title in GROUPS.items():
        names = [v.name for v in VARIANTS.values() if v.group == group]
        names = [name for name in names if name in results]
        if names:
            rows.append({'variant': f'**{title}**'})
        for name in names:
            cells = {
                column: format_interval(
                    compute_interval(results.get_metric(name, *key))
                )
                for column, key in _COLUMNS.items()
            }
            seeds = len(results.runs[name])
            rows.append({'variant': f'`{name}`', 'seeds': str(seeds), **cells})
    return to_markdown(pd.DataFrame(rows).fillna('').to_dict('records'))


def render_comparisons(results: StudyResults) -> str:
    """The table of paired differences in AP, that of the selected pair first."""
    pair = select_pair(results)
    rows = [row for row in COMPARISONS if row[:2] != pair]
    if all(pair):
        rows.insert(0, (*pair, '**best adaptive against best uniform**'))
    table = []
    for variant, reference, what in rows:
        if variant not in results or reference not in results:
            continue
        plain, flip, select = results.compare_ap(variant, reference)
        if plain is None or flip is None:
            continue
        table.append(
            {
                'what': what,
                'variant': f'`{variant}`',
                'minus': f'`{reference}`',
                'seeds': str(flip.count),
                'AP': format_interval(plain, signed=True),
                'AP, flip': format_interval(flip, signed=True),
                'flip interval': flip.sign and f'{flip.sign} zero',
                'AP select, flip': format_interval(select, signed=True),
            }
        )
    return to_markdown(table)


def render_joints(
    results: StudyResults, joint_names: tuple[str, ...], variants: list[str]
) -> str:
    """Per joint, for a few variants: mean OKS, median error and mean offset [x, y]."""
    columns = {
        f'`{name}`': [
            results.average_joints(name, key)
            for key in ('mean_oks', 'median_error', 'mean_offset')
        ]
        for name in variants
    }
    return to_markdown(
        [
            {'joint': joint}
            | {
                name: f'{100 * oks[k]:.1f} / {error[k]:.2f} / '
                f'{offset[k][0]:+.2f} {offset[k][1]:+.2f}'
                for name, (oks, error, offset) in columns.items()
            }
            for k, joint in enumerate(joint_names)
        ]
    )
