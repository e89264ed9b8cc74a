"""What `gm_pose estimate-sigmas` prints of sizes that were measured."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

    from gm_pose.ops.sigma_estimation import JointSizes

# What one more annotator scores whose labels differ as those of the file do: OKS is
# exp(-d^2 / (2 area (2 s)^2)), and d^2 is s^2 area: exp(-1/8).
ANNOTATORS_OKS = 0.88
SOURCES = {
    'repeats': (
        'source: spread of repeated annotations, the definition of COCO '
        '(cocodataset.org/#keypoints-eval).\n'
        f'AP with them: one more annotator would score an OKS of about {ANNOTATORS_OKS}; '
        'thresholds above that measure noise.'
    ),
    'masks': (
        "source: this file's sizes by {method}, scaled to the mean of COCO's sigmas "
        '({mean:.3f}):\nhow far annotators differ is not measured. AP with them compares '
        "models on this data,\nnot with COCO's AP. Sigmas of a metric stay fixed once "
        'results are reported.'
    ),
}
SOURCES['boxes'] = SOURCES['masks']


def describe_mirror(mirror: list[int], source: str) -> str:
    """Index of each joint's counterpart -> what was averaged, and by which source."""
    pairs = sum(k < m for k, m in enumerate(mirror))
    if pairs:
        plural = 's' if pairs > 1 else ''
        return f'left and right averaged ({pairs} pair{plural} by {source})'
    if source == 'name':
        return 'left and right not averaged: names say no sides; see --metainfo'
    return f'left and right not averaged: {source} has no pairs'


def describe_missing(found: JointSizes, names: list[str]) -> str:
    """Why there is no table."""
    from gm_pose.ops.sigma_estimation import MIN_PEOPLE

    needed = MIN_PEOPLE[found.method]
    rows = list(zip(names, found.counts, found.are_measured, strict=True))
    unseen = [n for n, count, _ in rows if not count]
    few = [f'{n} ({count})' for n, count, _ in rows if 0 < count < needed]
    flat = [n for n, count, good in rows if count >= needed and not good]
    parts = []
    if unseen:
        parts.append(f'nothing was measured for {unseen}')
    if few:
        parts.append(f'fewer than {needed} people for {", ".join(few)}')
    if flat:
        parts.append(f'the size of {flat} is 0')
    return 'no table: ' + '; '.join(parts)


def format_rows(
    found: JointSizes, names: list[str], sizes: np.ndarray, cells: np.ndarray
) -> list[str]:
    """One line a joint: people, size with its interval, and the table's sigma."""
    import numpy as np

    lines = [
        f'method: {found.method}; size = fraction of sqrt(area), with its 95 % interval',
        *found.notes,
        f'{"joint":24s} {"people":>7s} {"size":>8s} {"interval":>17s} '
        f'{"sigma (cells)":>14s}',
    ]
    rows = zip(names, found.counts, sizes, found.intervals, cells, strict=True)
    for name, count, size, (low, high), cell in rows:
        ranged = f'{low:.4f} - {high:.4f}' if np.isfinite(low) else '-'
        measured = [f'{v:.4f}' if np.isfinite(v) else '-' for v in (size, cell)]
        lines.append(
            f'{name:24s} {count:7d} {measured[0]:>8s} {ranged:>17s} {measured[1]:>14s}'
        )
    return lines


def format_metric_sigmas(found: JointSizes, sizes: np.ndarray) -> list[str]:
    """Sizes of K joints -> OKS sigmas for a metainfo file, and what they mean."""
    import numpy as np

    from gm_pose.ops.skeleton import COCO

    mean = float(np.mean(COCO.oks_sigmas or ()))
    if found.method != 'repeats':
        sizes = sizes * (mean / sizes.mean())
    values = ', '.join(f'{size:.3f}' for size in sizes)
    return [
        '',
        'OKS sigmas for a metainfo file, in the order above (fractions of sqrt(area); OKS '
        'takes twice each):',
        f'sigmas=[{values}]',
        SOURCES[found.method].format(method=found.method, mean=mean),
    ]


def format_table(
    found: JointSizes,
    names: list[str],
    mirror: tuple[list[int], str],
    mean: float,
    power: float,
) -> tuple[str, bool]:
    """Sizes -> what is printed, and whether every joint has a sigma.

    Args:
        found: of K joints.
        names: K.
        mirror: index of each joint's counterpart, and who says so.
        mean: of the table, in cells.
        power: sigma in cells ~ size to this power.

    Raises:
        ValueError: `power` leaves no finite table.
    """
    import numpy as np

    from gm_pose.ops.paper_sigmas import scale_to_mean
    from gm_pose.ops.skeleton import average_mirrored

    cells = np.full(len(names), np.nan)
    if not found.are_measured.all():
        lines = format_rows(found, names, found.sizes, cells)
        return '\n'.join([*lines, '', describe_missing(found, names)]), False
    sizes = average_mirrored(found.sizes.tolist(), mirror[0])
    with np.errstate(all='ignore'):
        cells = scale_to_mean(sizes, mean, power)
    if not (np.isfinite(cells) & (cells > 0)).all():
        raise ValueError(f'--power {power:g} leaves no table: give one near 0 to 1')
    pairs = ', '.join(f"'{n}': {c:.3f}" for n, c in zip(names, cells, strict=True))
    lines = [
        *format_rows(found, names, found.sizes, cells),
        '',
        f'{describe_mirror(*mirror)}, power {power:g}, mean {mean:g} cells:',
        f'sigmas={{{pairs}}}',
        *format_metric_sigmas(found, sizes),
    ]
    return '\n'.join(lines), True
