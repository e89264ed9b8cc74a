"""Boxes that are no x, y, width, height in px: which other reading fits their images."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gm_pose.runs.data_checks.box_matches import CONVERT, write_order, write_scale
from gm_pose.runs.data_checks.readings import BOX_READINGS, SCALES
from gm_pose.runs.data_checks.units import find_scale

__all__ = ['explain_layout']

Floats = NDArray[np.float64]

_FITS = 0.95  # share of boxes that a reading must place inside their images
_LEAVES = 0.1  # share of boxes that leave their images as x, y, width, height
_MIN_BOXES = 10  # for a unit that px could be
_FAR = 0.8  # part of the image at which some boxes end, right and below
_MARGIN = 0.05  # of the image's side: detectors may overshoot by that much


def explain_layout(boxes: Floats, sizes: Floats) -> tuple[str, str] | None:
    """Boxes (R, 4) and sizes of their images (R, 2) in px -> (what they are, fix), or None.

    Detected boxes in COCO's layout hardly leave their image. Of boxes that do, those of
    another layout all fit in that one: x, y, width, height of people seldom have
    width > x and height > y in all boxes, as corners must.
    """
    known = np.isfinite(boxes).all(1) & np.isfinite(sizes).all(1)
    boxes, sizes = boxes[known], sizes[known]
    if not len(boxes):
        return None
    start, extent = boxes[:, :2], boxes[:, 2:]
    if (extent <= 0).any(1).all():
        what = 'has a width or height of 0 or below in all boxes'
        return what, 'write x, y, width, height in px'
    if boxes.max() <= 1.5 and sizes.min() > 4:
        what = f'is at most {boxes.max():.3g} in all boxes: fractions of the image'
        return what, f'{CONVERT}: {write_scale(SCALES[0])}'
    scale = find_scale(boxes.reshape(-1, 2, 2), sizes)
    if scale is not None and len(boxes) >= _MIN_BOXES:
        what = f'is at most {boxes.max():.3g} in all boxes: {scale.name}'
        return what, f'{CONVERT}: {write_scale(scale)}'
    leaves = _leaves(start, start + extent, sizes).mean()
    if leaves <= _LEAVES:
        return None
    share = f'leaves the image in {100 * leaves:.0f}% of the boxes'
    if (_is_ordered(start, extent) & ~_leaves(start, extent, sizes)).mean() >= _FITS:
        return (
            f'{share}; as corners x1, y1, x2, y2 they fit',
            'write [x1, y1, x2 - x1, y2 - y1]',
        )
    half = extent / 2
    if (~_leaves(start - half, start + half, sizes)).mean() >= _FITS:
        return (
            f'{share}; as center x, y, width, height they fit',
            'write [x - width / 2, y - height / 2, width, height]',
        )
    if (other := _find_other_reading(boxes, sizes)) is not None:
        return f'{share}; as {other[0]} they fit', f'{CONVERT}: {other[1]}'
    if ((start >= sizes) | (start + extent <= 0)).any(1).all():
        return 'lies outside the image in all boxes', 'give the boxes of these images'
    return None


def _find_other_reading(boxes: Floats, sizes: Floats) -> tuple[str, str] | None:
    """The first order, then unit, that places boxes inside images -> name, line."""

    def fit(other: Floats) -> bool:
        start, extent = other[:, :2], other[:, 2:]
        inside = ~_leaves(start, start + extent, sizes) & (extent > 0).all(1)
        return bool(inside.mean() >= _FITS)

    for name, (read, line) in BOX_READINGS.items():
        if fit(read(boxes)):
            return name, write_order(line)
    scale = SCALES[-1]  # per mille; smaller units are told by their range
    far = (boxes[:, :2] + boxes[:, 2:]).max(0) >= _FAR * scale.full
    enough = len(boxes) >= _MIN_BOXES and far.all()
    if enough and fit(scale.convert(boxes, np.tile(sizes, 2))):
        return scale.name, write_scale(scale)
    return None


def _is_ordered(first: Floats, last: Floats) -> NDArray[np.bool_]:
    return np.asarray((last > first).all(1))


def _leaves(first: Floats, last: Floats, sizes: Floats) -> NDArray[np.bool_]:
    margin = _MARGIN * sizes
    return np.asarray(((first < -margin) | (last > sizes + margin)).any(1))
