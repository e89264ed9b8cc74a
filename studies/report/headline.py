"""Study results -> the study's result in three short sentences."""

from studies.analysis.intervals import (
    Interval,
    compare_paired,
    format_interval,
    format_seeds,
)
from studies.analysis.select_variants import select_pair
from studies.analysis.study_results import StudyResults
from studies.report.device_tables import Finals
from studies.variants.catalog import VARIANTS


def render_headline(results: StudyResults, finals: Finals | None = None) -> str:
    """The result for a reader who knows no variant's name, with the numbers so far.

    Args:
        results: of the CPU's runs on studio17.
        finals: of the runs on a device, which then stand for the selected pair.
    """
    sentences = [_describe_centering(results)]
    if finals is None:
        sentences += [_describe_balance(results), _describe_selected(results)]
    else:
        sentences += [_describe_finals(finals), _describe_stock(finals)]
    return '\n'.join(filter(None, sentences)) or 'No comparison is finished yet.'


def _compare(
    results: StudyResults, variant: str | None, reference: str | None
) -> tuple[float, float, Interval] | None:
    """AP of reference and variant over their common seeds, no flip test; difference."""
    if variant not in results or reference not in results:
        return None
    new, old = (results.get_metric(name, 'AP') for name in (variant, reference))
    difference = compare_paired(new, old)
    if difference is None:
        return None
    seeds = new.index.intersection(old.index)
    return float(old[seeds].mean()), float(new[seeds].mean()), difference


def _describe_centering(results: StudyResults) -> str | None:
    clauses = []
    for key, title in (('set1', 'Set 1'), ('set2', 'Set 2')):
        compared = _compare(results, f'centered-{key}', f'published-{key}')
        if compared is None:
            return None
        old, new, difference = compared
        clauses.append(
            f'{title} from {old:.1f} to {new:.1f} AP '
            f'({format_interval(difference, signed=True)}'
        )
    seeds = format_seeds(difference.count)
    return (
        f'Centering the targets alone lifts {clauses[0]}, {seeds}, no flip test) and '
        f'{clauses[1]}).'
    )


def _describe_balance(results: StudyResults) -> str | None:
    compared = _compare(results, 'subcell-set1-balanced', 'subcell-uniform2')
    if compared is None:
        return None
    uniform, set1, difference = compared
    word = {'above': 'above', 'below': 'below'}.get(
        difference.sign, 'not significantly different from'
    )
    return (
        f'With sub-cell targets and a loss balanced by 1 / sigma² Set 1 reaches '
        f'{set1:.1f} AP, {word} a uniform sigma of 2 cells ({uniform:.1f}).'
    )


def _describe_selected(results: StudyResults) -> str | None:
    adaptive, uniform = select_pair(results)
    compared = _compare(results, adaptive, uniform)
    if adaptive is None or uniform is None or compared is None:
        return None
    old, new, difference = compared
    return (
        f'The best joint-adaptive table ({VARIANTS[adaptive].table.title}) reaches '
        f'{new:.1f} AP, the best uniform sigma ({VARIANTS[uniform].table.sigmas}) '
        f'{old:.1f} ({format_interval(difference, signed=True)}, '
        f'{format_seeds(difference.count)}); both were selected on other people.'
    )


def _describe_finals(finals: Finals) -> str:
    adaptive, uniform = finals.adaptive, finals.uniform
    known = finals.compare('studio17', adaptive, uniform)
    other = finals.compare('coco-and-studio', adaptive, uniform)
    return (
        f'The best joint-adaptive sigmas ({VARIANTS[adaptive.trial].table.title}) reach '
        f'{finals.average("studio17", adaptive):.1f} AP with flip test, the best uniform '
        f'sigma {finals.average("studio17", uniform):.1f}: {known}, {known.count} seeds, '
        f'95 % interval over people and seeds; on a second, harder set '
        f'({finals.average("coco-and-studio", uniform):.1f} AP), {other}, {other.count} '
        f'seeds.'
    )


def _describe_stock(finals: Finals) -> str:
    sides = (finals.adaptive, finals.uniform)
    first, second = (finals.compare('studio17', s, finals.stock) for s in sides)
    modern = finals.compare('studio17-modern', *sides)
    return (
        f'Over stock MMPose that is {first} AP, and {second} for the uniform sigma; with a '
        f'modern recipe (AdamW, weight averaging, longer) both gain four AP and differ '
        f'by {modern}, {modern.count} seeds.'
    )
