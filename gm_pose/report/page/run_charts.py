"""Charts of whole runs: cost of errors, groups of people, scores, curves of training."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from gm_pose.report.analysis.comparison import Comparison
from gm_pose.report.analysis.people_groups import ScoreBins
from gm_pose.report.analysis.run_analysis import RunAnalysis
from gm_pose.report.page.charts import (
    COLORS,
    KIND_COLORS,
    draw_intervals,
    lay_out,
    make_figure,
    short_name,
)

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

__all__ = [
    'draw_costs',
    'draw_curves',
    'draw_groups',
    'draw_people_changes',
    'draw_scores',
]


def draw_costs(runs: list[RunAnalysis]) -> Figure:
    """AP that each kind of error costs, the costliest first by the first run."""
    figure = make_figure()
    kinds = sorted(runs[0].costs.gains, key=lambda k: -runs[0].costs.gains[k])
    for run, color in zip(runs, COLORS, strict=False):
        gains = [*(run.costs.gains[kind] for kind in kinds), run.costs.score_gain]
        own = [*(KIND_COLORS[kind] for kind in kinds), '#7B8794']
        figure.add_bar(
            x=[100 * gain for gain in gains],
            y=[*kinds, 'order of scores'],
            orientation='h',
            name=run.inputs.label,
            marker=dict(color=own if len(runs) == 1 else color),
            text=[f'{100 * gain:.1f}' for gain in gains],
            textposition='auto',
            hovertemplate='%{y}: %{x:.2f} points of AP<extra></extra>',
        )
    return lay_out(
        figure,
        110 + 32 * (len(kinds) + 1) * max(1, len(runs) // 2),
        LEFT,
        yaxis=dict(autorange='reversed'),
        xaxis=dict(title='points of AP gained without it'),
        showlegend=len(runs) > 1,
    )


LEFT = 112


def draw_groups(runs: list[RunAnalysis]) -> Figure:
    """OKS of people by size, number of labelled joints and crowding."""
    figure = make_figure()
    for run, color in zip(runs, COLORS, strict=False):
        groups = [
            (f'{group.name} ({group.count})', group)
            for members in run.groups.values()
            for group in members
        ]
        draw_intervals(
            figure,
            [name for name, _ in groups],
            [group.oks for _, group in groups],
            run.inputs.label,
            color,
        )
    count = sum(map(len, runs[0].groups.values()))
    return lay_out(
        figure,
        100 + 28 * count,
        180,
        yaxis=dict(autorange='reversed'),
        xaxis=dict(title='mean OKS, percent'),
        showlegend=len(runs) > 1,
    )


def draw_scores(people: ScoreBins | None, joints: ScoreBins | None) -> Figure:
    """Mean OKS at each score of people, part of right joints at each score of joints."""
    figure = make_figure()
    kinds = (
        ('people: mean OKS', people, COLORS[0]),
        ('joints: part with OKS of at least 0.5', joints, COLORS[1]),
    )
    for name, bins, color in kinds:
        if bins is None:
            continue
        values = np.array(bins.values, float)
        figure.add_scatter(
            x=bins.scores,
            y=values[:, 0],
            mode='lines+markers',
            name=name,
            line=dict(color=color),
            error_y=dict(
                type='data',
                symmetric=False,
                array=np.nan_to_num(values[:, 2] - values[:, 0]),
                arrayminus=np.nan_to_num(values[:, 0] - values[:, 1]),
                thickness=1.2,
                width=2,
            ),
            hovertemplate='score %{x:.2f}: %{y:.2f}',
        )
    figure.add_scatter(
        x=[0, 1],
        y=[0, 1],
        mode='lines',
        line=dict(color='#9AA5B1', dash='dot'),
        name='score = result',
        hoverinfo='skip',
    )
    return lay_out(
        figure,
        380,
        xaxis=dict(title='score'),
        yaxis=dict(title='result', range=[0, 1.02]),
    )


def draw_curves(runs: list[RunAnalysis]) -> Figure | None:
    """Loss by iteration and AP by validation, of runs whose folder has them; else None."""
    from plotly.subplots import make_subplots

    figure = make_subplots(
        rows=2,
        cols=1,
        vertical_spacing=0.24,
        subplot_titles=('Loss of training', 'AP of validation'),
    )
    figure.update_layout(template='none')
    drawn = 0
    for run, color in zip(runs, COLORS, strict=False):
        rows = run.inputs.folder.scalars if run.inputs.folder is not None else []
        label = short_name(run.inputs.label)
        losses = [
            (row['iter'], row['loss']) for row in rows if {'iter', 'loss'} <= {*row}
        ]
        tested = [
            (row.get('step', n), 100 * row[key])
            for n, row in enumerate(rows)
            for key in row
            if key.endswith('/AP')
        ]
        for place, points in ((1, losses), (2, tested)):
            if points:
                drawn += 1
                x, y = zip(*points, strict=True)
                figure.add_scatter(
                    x=x,
                    y=y,
                    mode='lines+markers' if len(points) < 60 else 'lines',
                    name=label,
                    line=dict(color=color),
                    legendgroup=label,
                    showlegend=place == 1 and len(runs) > 1,
                    row=place,
                    col=1,
                )
    if not drawn:
        return None
    lay_out(figure, 560)
    figure.update_xaxes(title='iteration', row=1, col=1)
    figure.update_xaxes(title='epoch or, in runs by iteration, iteration', row=2, col=1)
    return figure


def draw_people_changes(comparison: Comparison) -> Figure:
    """How many people gained or lost how much."""
    figure = make_figure()
    figure.add_histogram(
        x=100 * comparison.people,
        xbins=dict(start=-100, end=100, size=4),
        marker=dict(color=COLORS[0]),
        hovertemplate='%{x}: %{y} people<extra></extra>',
    )
    figure.add_vline(x=0, line=dict(color='#52606D', width=1))
    return lay_out(
        figure,
        280,
        xaxis=dict(title='change of OKS, points'),
        yaxis=dict(title='people', type='log'),
        showlegend=False,
    )
