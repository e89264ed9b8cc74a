"""Analyses -> one HTML file that needs no network."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from gm_pose.report.analysis.comparison import Comparison, judge
from gm_pose.report.analysis.estimates import Estimate
from gm_pose.report.analysis.run_analysis import NUM_SAMPLES, RunAnalysis
from gm_pose.report.page.charts import KIND_COLORS, to_script
from gm_pose.report.page.facts import compare_run_configs, list_facts
from gm_pose.report.page.joint_charts import (
    draw_joint_changes,
    draw_joint_kinds,
    draw_joint_oks,
    draw_offsets,
    draw_pck,
)
from gm_pose.report.page.people_cards import make_change_cards, make_run_cards
from gm_pose.report.page.run_charts import (
    draw_costs,
    draw_curves,
    draw_groups,
    draw_people_changes,
    draw_scores,
)
from gm_pose.report.page.summary import describe_empty_images, describe_run, list_tiles
from gm_pose.runs.count_words import count_words

__all__ = ['ReportContent', 'count_cards', 'render_page']


@dataclass(frozen=True)
class ReportContent:
    """What a page is made of.

    Attributes:
        runs: the run of each setting that is shown in detail, the reference first.
        num_seeds: runs of each setting.
        comparisons: each further setting against the reference.
        num_people: worst and typical people that are drawn.
    """

    runs: list[RunAnalysis]
    num_seeds: list[int]
    comparisons: list[Comparison]
    num_people: int = 20


def count_cards(content: ReportContent) -> int:
    """How many people `render_page` draws: fewer than asked for where there are few."""
    num_rows = len(content.runs[0].errors.oks)
    changed = [c.rank_people(content.num_people) for c in content.comparisons]
    return min(2 * content.num_people, num_rows) + sum(
        len(rows) for groups in changed for rows in groups
    )


def render_page(content: ReportContent, tell: Callable[[], None] = lambda: None) -> str:
    """Content -> HTML.

    Args:
        content: of the page.
        tell: called after each picture of a person.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from plotly.offline import get_plotlyjs

    environment = Environment(
        loader=PackageLoader('gm_pose.report.page', 'templates'),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(percent=_format_percent, number=_format_number)
    environment.filters.update(cell=_format_cell, words=count_words)
    first, charts = content.runs[0], _draw_charts(content)
    folder = files('gm_pose.report.page') / 'templates'
    return environment.get_template('report.html.j2').render(
        runs=content.runs,
        first=first,
        num_seeds=content.num_seeds,
        num_samples=NUM_SAMPLES,
        comparisons=content.comparisons,
        verdicts=[judge(comparison) for comparison in content.comparisons],
        changed_joints=[_sort_joints(comparison) for comparison in content.comparisons],
        tiles=list_tiles(first),
        sentences=describe_run(first)
        + [text for run in content.runs for text in describe_empty_images(run.inputs)],
        heights={name: figure.layout.height for name, figure in charts.items()},
        charts=to_script(charts),
        cards=_make_cards(content, tell),
        facts=[(run.inputs.label, list_facts(run)) for run in content.runs],
        configs=compare_run_configs(content.runs),
        kind_colors=KIND_COLORS,
        css=(folder / 'report.css').read_text(),
        script=(folder / 'report.js').read_text(),
        plotly=get_plotlyjs(),
        made=time.strftime('%Y-%m-%d %H:%M'),
    )


def _draw_charts(content: ReportContent) -> dict[str, Any]:
    runs, first = content.runs, content.runs[0]
    charts: dict[str, Any] = {
        'oks': draw_joint_oks(runs),
        'kinds': draw_joint_kinds(first),
        'pck': draw_pck(runs),
        'offsets': draw_offsets(first),
        'costs': draw_costs(runs),
        'groups': draw_groups(runs),
    }
    if first.person_scores is not None or first.joint_scores is not None:
        charts['scores'] = draw_scores(first.person_scores, first.joint_scores)
    curves = draw_curves(runs)
    if curves is not None:
        charts['curves'] = curves
    for number, comparison in enumerate(content.comparisons):
        charts[f'joint-changes-{number}'] = draw_joint_changes(comparison)
        charts[f'people-changes-{number}'] = draw_people_changes(comparison)
    return charts


def _make_cards(content: ReportContent, tell: Callable[[], None]) -> list[Any]:
    cards = []
    for comparison, run in zip(content.comparisons, content.runs[1:], strict=True):
        pair = (content.runs[0], run)
        cards += make_change_cards(comparison, pair, content.num_people, tell)
    return cards + make_run_cards(content.runs[0], content.num_people, tell)


def _sort_joints(comparison: Comparison) -> tuple[list[str], list[str]]:
    """Names of the joints that got better, and of those that got worse."""
    sure = [joint for joint in comparison.joints if joint.change.excludes_zero]
    sure.sort(key=lambda joint: -abs(joint.change.value))
    texts = [
        (f'{joint.name.replace("_", " ")} ({100 * joint.change.value:+.1f})', joint)
        for joint in sure
    ]
    return (
        [text for text, joint in texts if joint.change.value > 0],
        [text for text, joint in texts if joint.change.value < 0],
    )


def _format_percent(value: Estimate | float, signed: bool = False) -> str:
    """0.615 -> '61.5'; an estimate with its interval: '61.5 (57.1 to 66.5)'."""
    sign = '+' if signed else ''
    if not isinstance(value, Estimate):
        return f'{100 * value:{sign}.1f}'
    ends = value.format_ends(' ({} to {})', spec=f'{sign}.1f')
    return f'{100 * value.value:{sign}.1f}{ends}'


def _format_number(value: Estimate | float, digits: int = 2) -> str:
    """As `_format_percent`, without the factor 100."""
    if not isinstance(value, Estimate):
        return f'{value:.{digits}f}'
    ends = value.format_ends(' ({} to {})', 1, f'.{digits}f')
    return f'{value.value:.{digits}f}{ends}'


def _format_cell(value: Estimate, digits: int = 1, scale: float = 1.0) -> Any:
    """An estimate for a table: the value, its interval small below it."""
    from markupsafe import Markup

    number = f'{scale * value.value:.{digits}f}'
    ends = value.format_ends('{} to {}', scale, f'.{digits}f')
    return Markup('{}<small>{}</small>').format(number, ends)
