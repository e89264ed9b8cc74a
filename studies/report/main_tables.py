"""Study results -> the tables of the report's main part."""

from studies.analysis.comparisons import MAIN_COMPARISONS
from studies.analysis.intervals import compute_interval, format_interval
from studies.analysis.select_sigmas import (
    UNIFORM_VARIANTS,
    average_oks,
    find_common_seeds,
    select_sigmas,
)
from studies.analysis.select_variants import select_pair
from studies.analysis.study_results import StudyResults
from studies.report.tables import to_markdown
from studies.variants.catalog import VARIANTS
from studies.variants.variant import Variant

# The steps from the paper's targets to the recommended ones; the selected pair follows
STEPS = (
    'published-uniform2',
    'published-set1',
    'published-set2',
    'centered-uniform2',
    'centered-set1',
    'centered-set2',
    'subcell-uniform2',
    'subcell-set1',
    'subcell-set2',
    'subcell-set1-balanced',
    'subcell-set2-balanced',
)
PLACEMENT_TITLES = {
    'published': 'as published',
    'centered': 'centered on the nearest cell',
    'subcell': 'sub-cell',
}


def describe_loss(variant: Variant) -> str:
    """'plain', 'balanced', 'balanced, MMPose's joint weights squared'."""
    words = ['balanced'] if variant.balanced else []
    if variant.weights is not None:
        words.append(variant.weights.title)
    return ', '.join(words) or 'plain'


def list_main_variants(results: StudyResults) -> list[str]:
    """`STEPS` and the selected pair, those that have been run."""
    adaptive, uniform = select_pair(results)
    names = dict.fromkeys((*STEPS, uniform, adaptive))
    return [name for name in names if name is not None and name in results]


def render_main_table(results: StudyResults) -> str:
    """AP from the paper's targets to the recommended ones, in words."""
    pair = select_pair(results)
    rows = []
    for name in list_main_variants(results):
        variant, runs = VARIANTS[name], results.runs[name]
        ap = (
            format_interval(compute_interval(results.get_metric(name, 'AP', test=test)))
            for test in ('plain', 'flip')
        )
        cells = (PLACEMENT_TITLES[variant.placement], variant.table.title)
        cells += (describe_loss(variant), str(len(runs)), *ap)
        if name in pair:
            cells = tuple(f'**{cell}**' for cell in cells)
        columns = ('targets', 'sigmas in cells', 'loss', 'seeds', 'AP', 'AP, flip test')
        rows.append(dict(zip(columns, cells, strict=True)))
    return to_markdown(rows) if rows else 'No run is finished yet.'


def render_main_comparison(results: StudyResults) -> str:
    """The selected pair, and narrow nose and eyes against uniform 2 in other settings."""
    pair = select_pair(results)
    if not all(pair):
        return 'No joint-adaptive and no uniform variant are finished yet.'
    rows = [
        (*pair, '**the selected pair**', ''),
        (*pair, "the selected pair, decoded with the metric's sigmas", '_oks'),
    ]
    rows += [(*row, '') for row in MAIN_COMPARISONS if row[:2] != pair]
    table = []
    for variant, reference, what, decoded in rows:
        if variant not in results or reference not in results:
            continue
        differences = results.compare_ap(variant, reference, decoded, decoded)
        if differences[0] is None:
            continue
        cells = (format_interval(d, signed=True) for d in differences)
        columns = ('AP', 'AP, flip', 'AP select, flip')
        table.append(
            {
                'what': what,
                'variant': f'`{variant}`',
                'minus': f'`{reference}`',
                'seeds': str(differences[0].count),
            }
            | dict(zip(columns, cells, strict=True))
        )
    return to_markdown(table)


def render_selected_sigmas(
    results: StudyResults, joint_names: tuple[str, ...], mirror: tuple[int, ...]
) -> str:
    """OKS by joint and uniform sigma, and the sigma that the rule selects."""
    seeds = find_common_seeds(results)
    if 0 not in seeds:
        return 'The uniform variants are not finished yet.'
    oks = average_oks(results, seeds)
    selected = {
        'selected, seed 0': select_sigmas(average_oks(results, [0]), mirror),
        f'selected, seeds {", ".join(map(str, seeds))}': select_sigmas(oks, mirror),
    }
    rows = []
    for k, name in enumerate(joint_names):
        if mirror[k] < k:
            continue
        both = (oks[:, k] + oks[:, mirror[k]]) / 2
        values = zip(UNIFORM_VARIANTS.values(), both, strict=True)
        rows.append(
            {'joint': name.removeprefix('left_') if mirror[k] != k else name}
            | {f'{sigma:g}': f'{value:.1f}' for sigma, value in values}
            | {column: f'{sigmas[k]:g}' for column, sigmas in selected.items()}
        )
    return to_markdown(rows)
