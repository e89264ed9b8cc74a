"""Kept results -> the figures of docs/study.md."""

from pathlib import Path

import matplotlib as mpl
import numpy as np

mpl.use('Agg')
import matplotlib.pyplot as plt

from studies.arms import ARMS, GROUPS
from studies.intervals import compute_interval
from studies.report_tables import Results, average_joints, get_metric

COLORS = (
    '#b03a2e', '#ca6f1e', '#2471a3', '#1e8449', '#76448a', '#5d6d7e', '#b7950b', '#148f77',
)  # fmt: skip
GROUP_COLORS = dict(zip(GROUPS, COLORS, strict=True))
DPI = 110
# white ground: the figures are looked at on light and dark pages
STYLE = {'savefig.facecolor': 'white', 'axes.spines.top': False,
         'axes.spines.right': False, 'font.size': 9}  # fmt: skip


def draw_ap(grouped: Results, path: Path, test: str = 'flip') -> None:
    """AP of the report part by arm: a dot per seed, a bar for the 95 % interval."""
    arms = [a for a in ARMS.values() if a.name in grouped]
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(figsize=(7.5, 0.9 + 0.24 * len(arms)))
        for row, arm in enumerate(arms):
            values = list(get_metric(grouped[arm.name], 'AP', 'report', test).values())
            interval = compute_interval(values)
            color = GROUP_COLORS[arm.group]
            axes.errorbar(
                interval.mean, row, xerr=interval.half_width, fmt='|', color=color,
                markersize=11, capsize=3,
            )  # fmt: skip
            axes.plot(values, [row] * len(values), '.', color=color, alpha=0.5)
        axes.set_yticks(range(len(arms)), [arm.name for arm in arms])
        axes.set_ylim(len(arms) - 0.4, -0.6)
        axes.set_xlabel(
            f'AP on the report part, {"with" if test == "flip" else "no"} flip test'
        )
        axes.grid(axis='x', alpha=0.3)
        handles = [
            plt.Line2D([], [], marker='|', color=GROUP_COLORS[g], label=GROUPS[g])
            for g in GROUPS
            if any(arm.group == g for arm in arms)
        ]
        figure.legend(
            handles=handles, loc='outside lower center', fontsize=7.5, ncols=2
        )
        figure.set_layout_engine('constrained')
        figure.savefig(path, dpi=DPI)
        plt.close(figure)


def draw_offsets(
    grouped: Results, joint_names: tuple[str, ...], arms: list[str], path: Path
) -> None:
    """Median signed offset per joint (x, y, input px, no flip test) of a few arms.

    The median, since a few joints found at another limb dominate the mean.
    """
    with plt.rc_context(STYLE):
        figure, panels = plt.subplots(2, 1, figsize=(8, 5), sharex=True)
        width = 0.8 / len(arms)
        at = np.arange(len(joint_names))
        for index, arm in enumerate(arms):
            offsets = average_joints(grouped[arm], 'median_offset')
            shift = (index - (len(arms) - 1) / 2) * width
            for axis, panel in enumerate(panels):
                panel.bar(at + shift, offsets[:, axis], width, label=arm)
        for panel, name in zip(
            panels, ('x (+ is right)', 'y (+ is down)'), strict=True
        ):
            panel.axhline(0, color='black', linewidth=0.6)
            panel.axhline(-2, color='grey', linewidth=0.8, linestyle=':')
            panel.set_ylabel(f'{name}, px')
        panels[0].annotate(
            'one cell', (len(joint_names) - 0.6, -2), fontsize=7, va='bottom'
        )
        panels[1].set_xticks(at, joint_names, rotation=60, ha='right')
        handles = panels[0].get_legend_handles_labels()
        figure.legend(*handles, loc='outside upper center', fontsize=8, ncols=len(arms))
        figure.set_layout_engine('constrained')
        figure.savefig(path, dpi=DPI)
        plt.close(figure)


def draw_learned_sigmas(grouped: Results, path: Path) -> None:
    """Learned standard deviations of every arm that has some; no file if none has."""
    rows = [
        (f'{arm}\n{module}', [run['learned_sigmas'][module] for run in runs.values()])
        for arm, runs in grouped.items()
        for module in next(iter(runs.values())).get('learned_sigmas', {})
    ]
    if not rows:
        return
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(figsize=(7.5, 1 + 0.45 * len(rows)))
        for row, (_, widths) in enumerate(rows):
            for values in widths:
                axes.plot(values, [row] * len(values), 'o', alpha=0.5, markersize=5)
        axes.set_yticks(range(len(rows)), [label for label, _ in rows], fontsize=8)
        axes.invert_yaxis()
        axes.set_xlabel('learned standard deviation, cells of its map')
        axes.grid(axis='x', alpha=0.3)
        figure.set_layout_engine('constrained')
        figure.savefig(path, dpi=DPI)
        plt.close(figure)
