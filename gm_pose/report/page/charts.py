"""What all charts share: colours, layout, and the way into the page."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from gm_pose.report.analysis.estimates import Estimate

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

__all__ = [
    'COLORS',
    'KIND_COLORS',
    'draw_intervals',
    'lay_out',
    'make_figure',
    'short_name',
    'to_script',
]

# Okabe and Ito's colours, told apart by colour-blind readers too
COLORS = ('#0072B2', '#D55E00', '#009E73', '#CC79A7', '#E69F00', '#56B4E9')
KIND_COLORS = {
    'good': '#B8CBB8',
    'jitter': '#E6C34A',
    'inversion': '#CC79A7',
    'swap': '#0072B2',
    'miss': '#C0392B',
}
_GRID = '#E4E7EB'
_FONT = 'system-ui, -apple-system, "Segoe UI", Roboto, sans-serif'


def make_figure() -> Figure:
    """An empty figure without Plotly's template, which would be 7 kB in each chart."""
    import plotly.graph_objects as go

    return go.Figure(layout=dict(template='none'))


def lay_out(figure: Figure, height: int, left: int = 60, **settings: Any) -> Figure:
    """Sizes, fonts and grid, the same in all charts.

    Args:
        figure: it is changed.
        height: px; the width is the page's.
        left: px for the labels of the vertical axis.
        **settings: of Plotly's `layout`, laid over the common ones.
    """
    figure.update_layout(
        height=height,
        dragmode=False,  # a finger scrolls the page
        margin=dict(l=left, r=16, t=28, b=48),
        font=dict(family=_FONT, size=13, color='#1F2933'),
        paper_bgcolor='rgba(0,0,0,0)',
        plot_bgcolor='rgba(0,0,0,0)',
        legend=dict(
            orientation='h',
            x=0,
            y=1.0,
            yanchor='bottom',
            xanchor='left',
            traceorder='normal',
        ),
        hoverlabel=dict(font=dict(family=_FONT)),
    )
    axis = dict(
        gridcolor=_GRID,
        zerolinecolor='#9AA5B1',
        linecolor=_GRID,
        title_font_size=13,  # a longer title would be cut on a phone
    )
    figure.update_xaxes(**axis)
    figure.update_yaxes(**axis)
    figure.update_layout(**settings)
    return figure


def draw_intervals(
    figure: Figure,
    labels: Sequence[str],
    estimates: Sequence[Estimate],
    name: str,
    color: str,
    scale: float = 100,
    colors: Sequence[str] | None = None,
) -> None:
    """Add a row for each label: a dot and its 95 % interval.

    Args:
        figure: it is changed.
        labels: N, from the top.
        estimates: N.
        name: in the legend.
        color: of dots and intervals.
        scale: factor of the numbers.
        colors: N, in place of `color`.
    """
    values = scale * np.array(estimates, float).reshape(-1, 3)
    centers, lows, highs = values.T
    figure.add_scatter(
        x=centers,
        y=list(labels),
        mode='markers',
        name=name,
        marker=dict(color=list(colors) if colors else color, size=9),
        error_x=dict(
            type='data',
            symmetric=False,
            array=np.nan_to_num(highs - centers),
            arrayminus=np.nan_to_num(centers - lows),
            color=color,
            thickness=1.6,
            width=3,
        ),
        customdata=[
            '' if np.isnan(low) else f' ({low:.2f} to {high:.2f})'
            for low, high in zip(lows, highs, strict=True)
        ],
        hovertemplate=f'%{{y}}: %{{x:.2f}}%{{customdata}}<extra>{_escape(name)}</extra>',
    )


def _escape(text: str) -> str:
    """Plotly reads a few HTML tags in texts."""
    return text.replace('&', '&amp;').replace('<', '&lt;').replace('>', '&gt;')


def short_name(name: str) -> str:
    """'left_shoulder' -> 'left shoulder', safe in Plotly's texts."""
    return _escape(name.replace('_', ' '))


def to_script(figures: dict[str, Figure]) -> str:
    """Charts by name -> JSON that may stand in a `script` element.

    The page draws them once all of it is there: a chart takes the width that its place has
    while it is drawn.
    """
    parts = (f'{json.dumps(name)}: {fig.to_json()}' for name, fig in figures.items())
    return '{' + ', '.join(parts).replace('<', '\\u003c') + '}'
