"""What stands at the top of the page, for who has ten seconds."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from gm_pose.report.analysis.run_analysis import RunAnalysis
from gm_pose.report.reading.run_inputs import RunInputs

__all__ = [
    'Tile',
    'describe_empty_images',
    'describe_run',
    'describe_shift',
    'list_tiles',
]

SHIFT_CELLS = 0.2
"""Median offset of all joints, in cells, from which the page warns: a grid that is half a
cell off shows 0.5, and a network's own bias stays below 0.1."""


_MEANINGS = {
    'jitter': 'near its place',
    'inversion': 'left taken for right',
    'swap': "on another's joint",
    'miss': 'far from any joint',
}


class Tile(NamedTuple):
    """One number at the top."""

    title: str
    value: str
    note: str


def list_tiles(run: RunAnalysis) -> list[Tile]:
    """AP, who was found, best and worst joint, costliest kind of error."""
    ap = run.ap
    joints = [j for j in run.joints if np.isfinite(j.oks.value)]
    best, worst = (f(joints, key=lambda j: j.oks.value) for f in (max, min))
    kind, gain = max(run.costs.gains.items(), key=lambda item: item[1])
    perfect = f'{100 * worst.perfect_gain.value:+.1f}'
    return [
        Tile(
            'AP',
            f'{100 * ap.value:.1f}',
            ap.format_ends('95 %: {} to {}') or 'no interval from one image',
        ),
        Tile(
            'AR',
            f'{100 * run.numbers[5]:.1f}',
            f'AP .5 {100 * run.numbers[1]:.1f}, AP .75 {100 * run.numbers[2]:.1f}',
        ),
        Tile('Best joint', _say(best.name), f'OKS {100 * best.oks.value:.1f}'),
        Tile(
            'Worst joint',
            _say(worst.name),
            f'OKS {100 * worst.oks.value:.1f}; perfect: {perfect} AP',
        ),
        Tile(
            'Costliest error', kind, f'{_MEANINGS[kind]}; without: {100 * gain:+.1f} AP'
        ),
    ]


def describe_run(run: RunAnalysis) -> list[str]:
    """Sentences about what a reader should know first."""
    sentences = []
    gainful = max(run.joints, key=lambda j: j.perfect_gain.value)
    gain = gainful.perfect_gain
    costs = sorted(run.costs.gains.items(), key=lambda item: -item[1])
    listed = ', '.join(f'{kind} {100 * cost:.1f}' for kind, cost in costs)
    sentences.append(
        f'Points of AP that each kind of error costs: {listed}; all four together '
        f'{100 * run.costs.all_gain:.1f}.'
    )
    sentences.append(
        f'The joint with most to gain is {_say(gainful.name)}: without its errors AP would '
        f'be {100 * gain.value:.1f} points higher{gain.format_ends(" ({} to {})")}.'
    )
    sentences += describe_shift(run)
    return sentences


def describe_empty_images(run: RunInputs) -> list[str]:
    """How many images with people have no prediction at all: results may be incomplete."""
    images = run.data.counted_images
    empty = ~np.isin(images, run.predictions.people.image_ids)
    if not empty.any():
        return []
    return [
        f'{run.label} predicts nobody in {empty.sum():,} of {len(images):,} images with '
        'people.'
    ]


def describe_shift(run: RunAnalysis) -> list[str]:
    """A warning if most joints are offset in the same direction by a similar amount.

    The joints of an untrained network have offsets as well, but different ones: their
    interquartile range then exceeds their median.
    """
    if run.inputs.targets is None:
        return []
    found = []
    for axis, way in enumerate((('right', 'left'), ('down', 'up'))):
        offsets = [joint.offsets[axis] for joint in run.joints]
        values = [offset.value for offset in offsets]
        low, middle, high = np.nanpercentile(values, (25, 50, 75))
        sure = np.mean([offset.excludes_zero for offset in offsets])
        if abs(middle) >= max(SHIFT_CELLS, high - low) and sure > 0.5:
            found.append(f'{abs(middle):.2f} heatmap cells {way[int(middle < 0)]}')
    if not found:
        return []
    return [
        f'Warning: predictions lie {" and ".join(found)} of the annotations in most '
        'joints. A constant offset points to a misplaced grid, in codec or flip test.'
    ]


def _say(name: str) -> str:
    return name.replace('_', ' ')
