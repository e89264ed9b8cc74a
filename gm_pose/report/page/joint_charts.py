"""Charts by joint: similarity, kinds of error, PCK, offsets."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from gm_pose.report.analysis.comparison import Comparison
from gm_pose.report.analysis.error_kinds import KINDS
from gm_pose.report.analysis.run_analysis import PCK_PARTS, RunAnalysis
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
    'draw_joint_changes',
    'draw_joint_kinds',
    'draw_joint_oks',
    'draw_offsets',
    'draw_pck',
]

ROW = 24
LEFT = 112  # px for joint names


def draw_joint_oks(runs: list[RunAnalysis]) -> Figure:
    """OKS of each joint with its interval, best first by the first run."""
    figure = make_figure()
    order = np.argsort([-joint.oks.value for joint in runs[0].joints])
    for run, color in zip(runs, COLORS, strict=False):
        joints = [run.joints[k] for k in order]
        draw_intervals(
            figure,
            [short_name(joint.name) for joint in joints],
            [joint.oks for joint in joints],
            run.inputs.label,
            color,
        )
    return lay_out(
        figure,
        90 + ROW * len(order),
        LEFT,
        yaxis=dict(autorange='reversed'),
        xaxis=dict(title='OKS of the joint alone, percent'),
        showlegend=len(runs) > 1,
    )


def draw_joint_kinds(run: RunAnalysis) -> Figure:
    """Part of each joint's detections that is good, and of each kind of error."""
    figure = make_figure()
    counts = run.kinds.count()
    parts = 100 * counts / np.maximum(counts.sum(1, keepdims=True), 1)
    order = np.argsort(-parts[:, 0])
    names = [short_name(run.joints[k].name) for k in order]
    for number, kind in enumerate(KINDS):
        figure.add_bar(
            x=parts[order, number],
            y=names,
            orientation='h',
            name=kind,
            marker=dict(color=KIND_COLORS[kind]),
            customdata=counts[order, number],
            hovertemplate=f'%{{y}}: {kind} %{{x:.1f}} % (%{{customdata}})<extra></extra>',
        )
    return lay_out(
        figure,
        90 + ROW * len(order),
        LEFT,
        barmode='stack',
        yaxis=dict(autorange='reversed'),
        xaxis=dict(title='percent of the joints', range=[0, 100]),
    )


def draw_pck(runs: list[RunAnalysis]) -> Figure:
    """PCK curves: each joint of the first run, and the mean of every run."""
    figure = make_figure()
    first = runs[0]
    for joint, curve in zip(first.joints, first.pck, strict=True):
        figure.add_scatter(
            x=100 * PCK_PARTS,
            y=100 * curve,
            mode='lines',
            name=short_name(joint.name),
            line=dict(color='#B4BEC9', width=1),
            showlegend=False,
            hovertemplate='%{x:.1f} %: %{y:.1f} %',
        )
    for run, color in zip(runs, COLORS, strict=False):
        figure.add_scatter(
            x=100 * PCK_PARTS,
            y=100 * np.nanmean(run.pck, axis=0),
            mode='lines',
            name=f'mean of joints, {short_name(run.inputs.label)}',
            line=dict(color=color, width=3),
            hovertemplate='%{x:.1f} %: %{y:.1f} %',
        )
    return lay_out(
        figure,
        360,
        xaxis=dict(title='distance, percent of the box'),
        yaxis=dict(title='joints within it, percent', range=[0, 101]),
    )


def draw_offsets(run: RunAnalysis) -> Figure:
    """Median offset of each joint with its interval along x and along y."""
    figure = make_figure()
    unit = 'heatmap cells' if run.inputs.targets is not None else 'OKS sigmas'
    names = [short_name(joint.name) for joint in run.joints]
    for axis, (name, color) in enumerate(
        zip(('x, to the right', 'y, downwards'), COLORS[:2], strict=True)
    ):
        draw_intervals(
            figure,
            names,
            [joint.offsets[axis] for joint in run.joints],
            name,
            color,
            scale=1,
        )
    return lay_out(
        figure,
        90 + ROW * len(names),
        LEFT,
        yaxis=dict(autorange='reversed'),
        xaxis=dict(title=f'median offset, {unit}'),
    )


def draw_joint_changes(comparison: Comparison) -> Figure:
    """Change of each joint's OKS; those whose interval excludes zero are coloured."""
    figure = make_figure()
    joints = sorted(comparison.joints, key=lambda joint: -joint.change.value)
    colors = [
        '#9AA5B1'
        if not joint.change.excludes_zero
        else COLORS[2]
        if joint.change.value > 0
        else KIND_COLORS['miss']
        for joint in joints
    ]
    draw_intervals(
        figure,
        [short_name(joint.name) for joint in joints],
        [joint.change for joint in joints],
        comparison.label,
        '#7B8794',
        colors=colors,
    )
    figure.add_vline(x=0, line=dict(color='#52606D', width=1))
    return lay_out(
        figure,
        80 + ROW * len(joints),
        LEFT,
        yaxis=dict(autorange='reversed'),
        xaxis=dict(title='change of OKS, points'),
        showlegend=False,
    )
