"""Study results -> the figures of docs/study.md."""

from collections.abc import Iterable
from pathlib import Path
from textwrap import fill

import matplotlib as mpl
import numpy as np

mpl.use('Agg')
import matplotlib.pyplot as plt

from studies.analysis.intervals import compute_interval
from studies.analysis.study_results import StudyResults
from studies.report.main_tables import PLACEMENT_TITLES
from studies.variants.catalog import GROUPS, VARIANTS

COLORS = (
    '#b03a2e',
    '#ca6f1e',
    '#2471a3',
    '#1e8449',
    '#76448a',
    '#5d6d7e',
    '#b7950b',
    '#148f77',
    '#34495e',
)
GROUP_COLORS = dict(zip(GROUPS, COLORS, strict=True))
DPI = 110
# white ground: the figures are looked at on light and dark pages
STYLE = {
    'savefig.facecolor': 'white',
    'axes.spines.top': False,
    'axes.spines.right': False,
    'font.size': 9,
}


def draw_ap(
    results: StudyResults, path: Path, names: Iterable[str] = (), test: str = 'flip'
) -> None:
    """AP of the report split: a dot per seed, a bar for the 95 % interval.

    Args:
        results: of one dataset.
        path: of the PNG.
        names: variants to show, labelled in words; all, by their names, where none is
            named.
        test: 'flip' or 'plain'.
    """
    names = list(names)
    variants = [VARIANTS[n] for n in (names or VARIANTS) if n in results]
    labels = [
        fill(f'{PLACEMENT_TITLES[v.placement]}: {v.title}', 48) if names else v.name
        for v in variants
    ]
    groups = [g for g in GROUPS if any(v.group == g for v in variants)]
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(
            figsize=(8, 0.9 + (0.3 if names else 0.24) * len(variants))
        )
        for row, variant in enumerate(variants):
            values = results.get_metric(variant.name, 'AP', 'report', test)
            interval = compute_interval(values)
            color = GROUP_COLORS[variant.group]
            axes.errorbar(
                interval.mean,
                row,
                xerr=interval.half_width,
                fmt='|',
                color=color,
                markersize=11,
                capsize=3,
            )
            axes.plot(values, [row] * len(values), '.', color=color, alpha=0.5)
        axes.set_yticks(range(len(variants)), labels)
        axes.set_ylim(len(variants) - 0.4, -0.6)
        axes.set_xlabel(
            f'AP on the report split, {"with" if test == "flip" else "no"} flip test'
        )
        axes.grid(axis='x', alpha=0.3)
        if not names:
            handles = [
                plt.Line2D([], [], marker='|', color=GROUP_COLORS[g], label=GROUPS[g])
                for g in groups
            ]
            figure.legend(
                handles=handles, loc='outside lower center', fontsize=7.5, ncols=2
            )
        figure.set_layout_engine('constrained')
        figure.savefig(path, dpi=DPI)
        plt.close(figure)


def draw_offsets(
    results: StudyResults,
    joint_names: tuple[str, ...],
    variants: list[str],
    path: Path,
) -> None:
    """Median signed offset per joint (x, y, input px, no flip test) of a few variants.

    The median, since a few joints found at another limb dominate the mean.
    """
    with plt.rc_context(STYLE):
        figure, panels = plt.subplots(2, 1, figsize=(8, 5), sharex=True)
        width = 0.8 / len(variants)
        at = np.arange(len(joint_names))
        for index, variant in enumerate(variants):
            offsets = results.average_joints(variant, 'median_offset')
            shift = (index - (len(variants) - 1) / 2) * width
            for axis, panel in enumerate(panels):
                panel.bar(at + shift, offsets[:, axis], width, label=variant)
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
        figure.legend(*handles, loc='outside upper center', fontsize=8, ncols=3)
        figure.set_layout_engine('constrained')
        figure.savefig(path, dpi=DPI)
        plt.close(figure)


def draw_learned_sigmas(results: StudyResults, path: Path) -> None:
    """Learned sigmas of every variant that has some; no file if none has."""
    rows = [
        (f'{name}\n{module}', [run['learned_sigmas'][module] for run in runs.values()])
        for name in VARIANTS
        if (runs := results.runs.get(name))
        for module in next(iter(runs.values())).get('learned_sigmas', {})
    ]
    if not rows:
        return
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(figsize=(7.5, 1 + 0.45 * len(rows)))
        for row, (_, sigmas) in enumerate(rows):
            for values in sigmas:
                axes.plot(values, [row] * len(values), 'o', alpha=0.5, markersize=5)
        axes.set_yticks(range(len(rows)), [label for label, _ in rows], fontsize=8)
        axes.invert_yaxis()
        axes.set_xlabel('learned sigma, cells of its map')
        axes.grid(axis='x', alpha=0.3)
        figure.set_layout_engine('constrained')
        figure.savefig(path, dpi=DPI)
        plt.close(figure)
