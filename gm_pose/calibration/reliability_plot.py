"""The reliability plot: predicted against true, and ellipses joint by joint."""

import io
from collections.abc import Sequence

import matplotlib
import numpy as np

from gm_pose.calibration.reliability import Assessment, Reliability

# Bins of fewer joints are left out: their means say nothing.
FEWEST = 10

_COLORS = {'peak': '#999999', 'before': '#d95f02', 'after': '#1b6ca8'}


def draw_reliability(
    before: Assessment,
    after: Assessment,
    peaks: tuple[Reliability, Reliability],
    joint_names: Sequence[str],
) -> bytes:
    """Assessments without and with the calibration -> a PNG."""
    matplotlib.use('Agg', force=False)
    from matplotlib.figure import Figure

    figure = Figure(figsize=(13, 4.6), layout='constrained')
    axes = figure.subplots(1, 3, width_ratios=(1, 1, 1.3))
    for axis, title, parts in (
        (axes[0], 'OKS of labelled joints', (peaks[0], before.oks, after.oks)),
        (axes[1], 'Presence', (peaks[1], before.presence, after.presence)),
    ):
        axis.plot([0, 1], [0, 1], color='black', linewidth=0.8, linestyle=':')
        for (name, color), part in zip(_COLORS.items(), parts, strict=True):
            used = part.counts >= FEWEST
            axis.plot(
                part.predicted[used],
                part.observed[used],
                color=color,
                marker='o',
                markersize=4,
                label=f'{name}, ECE {part.error:.3f}',
            )
        axis.set(xlim=(0, 1), ylim=(0, 1), title=title, xlabel='predicted')
        axis.set_ylabel('observed')
        axis.legend(loc='lower right', frameon=False, fontsize=9)
    _draw_coverage(axes[2], before, after, joint_names)
    buffer = io.BytesIO()
    figure.savefig(buffer, format='png', dpi=110)
    return buffer.getvalue()


def _draw_coverage(
    axis: 'matplotlib.axes.Axes',
    before: Assessment,
    after: Assessment,
    joint_names: Sequence[str],
) -> None:
    rows = np.arange(len(joint_names))
    axis.axvspan(93, 97, color='#1b6ca8', alpha=0.15, linewidth=0, label='93 to 97 %')
    for name, part in (('before', before), ('after', after)):
        axis.scatter(100 * part.covered, rows, s=22, color=_COLORS[name], label=name)
    axis.set_yticks(rows, joint_names, fontsize=8)
    axis.invert_yaxis()
    axis.set(title='Joints inside their 95 % ellipse', xlabel='%', xlim=(None, 101))
    axis.legend(
        loc='upper center',
        bbox_to_anchor=(0.5, -0.12),
        ncols=3,
        frameon=False,
        fontsize=9,
    )
