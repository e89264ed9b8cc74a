"""Runs on a device -> figures of docs/study.md."""

from pathlib import Path

import matplotlib.pyplot as plt

from studies.report.device_tables import PEOPLE, Finals, compute_joint_gains
from studies.report.figures import DPI, STYLE

GOALS = (1.0, 3.0)


def draw_differences(finals: Finals, path: Path) -> None:
    """Differences in AP with their intervals over people and seeds, and the goals."""
    rows = [
        (f'{what}\n{PEOPLE[dataset]}', finals.compare(dataset, variant, reference))
        for what, dataset, variant, reference in finals.list_comparisons()
    ]
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(figsize=(8, 0.9 + 0.42 * len(rows)))
        for row, (_, found) in enumerate(rows):
            color = '#1e8449' if found.is_above_zero else '#5d6d7e'
            axes.plot([found.low, found.high], [row, row], color=color, linewidth=2)
            axes.plot(found.mean, row, 'o', color=color)
            axes.annotate(
                f'{found}, {found.count} seeds',
                (found.high + 0.08, row),
                va='center',
                fontsize=7.5,
            )
        axes.axvline(0, color='black', linewidth=0.8)
        for goal in GOALS:
            axes.axvline(goal, color='grey', linewidth=0.8, linestyle=':')
            axes.annotate(f'goal {goal:+g}', (goal, -0.75), ha='center', fontsize=7.5)
        axes.set_yticks(range(len(rows)), [label for label, _ in rows], fontsize=8)
        axes.set_ylim(len(rows) - 0.5, -1)
        axes.set_xlim(right=max(found.high for _, found in rows) + 2.6)
        axes.set_xlabel('difference in AP; bars: 95 % over people and seeds')
        figure.set_layout_engine('constrained')
        figure.savefig(path, dpi=DPI)
        plt.close(figure)


def draw_joint_gains(finals: Finals, path: Path) -> None:
    """Mean OKS of each joint: adaptive minus uniform and minus stock."""
    gains = compute_joint_gains(finals)
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(figsize=(8, 3.2))
        for index, (name, color) in enumerate(
            (('uniform', '#2471a3'), ('stock MMPose', '#ca6f1e'))
        ):
            heights = [oks[0] - oks[1 + index] for oks in gains.values()]
            places = [k + 0.4 * index - 0.2 for k in range(len(gains))]
            axes.bar(places, heights, 0.38, color=color, label=f'minus {name}')
        axes.axhline(0, color='black', linewidth=0.8)
        axes.set_xticks(range(len(gains)), list(gains))
        axes.set_ylabel('points of OKS')
        axes.legend(frameon=False)
        figure.set_layout_engine('constrained')
        figure.savefig(path, dpi=DPI)
        plt.close(figure)
