"""The one table of docs/study.md: from the paper's targets to the finalists."""

from studies.analysis.intervals import compute_interval, format_interval
from studies.analysis.study_results import StudyResults
from studies.report.device_tables import NOT_RUN, Finals, Side
from studies.report.main_tables import PLACEMENT_TITLES, describe_loss
from studies.report.tables import to_markdown
from studies.variants.catalog import VARIANTS

STEPS = (
    'published-uniform2',
    'published-set1',
    'published-set2',
    'centered-set1',
    'centered-set2',
    'subcell-set1-balanced',
    'subcell-set2-balanced',
)


def render_summary(results: StudyResults, finals: Finals | None) -> str:
    """At most 12 rows: AP with flip test of the CPU's steps and of the device's finals."""
    rows = []
    for name in STEPS:
        if name in results:
            variant = VARIANTS[name]
            ap = compute_interval(results.get_metric(name, 'AP', test='flip'))
            rows.append(
                {
                    'targets': PLACEMENT_TITLES[variant.placement],
                    'sigmas in cells': variant.table.title,
                    'training': f'CPU, {describe_loss(variant)}',
                    'seeds': str(ap.count),
                    'AP, studio17': format_interval(ap),
                    'AP, coco-union (trained on both)': '',
                }
            )
    if finals is not None:
        rows += _list_finals(finals)
    return to_markdown(rows) if rows else NOT_RUN


def _list_finals(finals: Finals) -> list[dict[str, str]]:
    rows = []
    sides: list[tuple[Side, str]] = [
        (finals.stock, ''),
        (finals.uniform, ''),
        (finals.adaptive, ''),
        (finals.uniform, '-modern'),
        (finals.adaptive, '-modern'),
    ]
    for side, recipe in sides:
        variant = VARIANTS[side.trial]
        aps = [
            finals.results.get_ap(dataset, *side)
            for dataset in (f'studio17{recipe}', 'coco-and-studio')
        ]
        if not len(aps[0]):
            continue
        loss = 'modern recipe' if recipe else describe_loss(variant)
        rows.append(
            {
                'targets': "stock MMPose's (DARK)"
                if side == finals.stock
                else PLACEMENT_TITLES[variant.placement],
                'sigmas in cells': f'**{variant.table.title}**',
                'training': f'GPU, {loss}',
                'seeds': str(len(aps[0])),
                'AP, studio17': f'**{format_interval(compute_interval(aps[0]))}**',
                'AP, coco-union (trained on both)': format_interval(
                    compute_interval(aps[1])
                )
                if len(aps[1]) and not recipe
                else '',
            }
        )
    return rows
