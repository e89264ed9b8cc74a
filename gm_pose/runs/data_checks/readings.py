"""Other ways to read joints and boxes, each with the line of Python that converts it.

COCO has pixels: joints x, y, visibility, and boxes x, y, width, height of the upper left
corner. Converters also write fractions or percent of the image, corners, or centers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from gm_pose.runs.data_checks.annotation_table import Floats

__all__ = ['BOX_READINGS', 'JOINT_READINGS', 'SCALES', 'Scale', 'measure_fit']

_EACH = (
    "for a in (size := {i['id']: (i['width'], i['height']) for i in data['images']}) "
    "and data['annotations']: w, h = size[a['image_id']]; "
)
_BOX = "for a in data['annotations']: "


@dataclass(frozen=True)
class Scale:
    """A unit of coordinates.

    Args:
        name: what they are.
        full: the image's far edge in it.
        low: its near edge in it.
    """

    name: str
    full: float
    low: float = 0

    def convert(self, values: Floats, side: Floats) -> Floats:
        """Positions in this unit -> px, for sides in px."""
        return (values - self.low) / (self.full - self.low) * side

    def convert_joints(self) -> str:
        """The line that makes pixels of joints."""
        x, y = self.write('x', 'w'), self.write('y', 'h')
        return (
            f"{_EACH}k = a['keypoints']; "
            f'k[::3], k[1::3] = [{x} for x in k[::3]], [{y} for y in k[1::3]]'
        )

    def convert_boxes(self) -> str:
        """The line that makes pixels of boxes, whatever their four numbers are."""
        return (
            f"{_EACH}a['bbox'] = [{self.write('v', 's')} for v, s in "
            f"zip(a['bbox'], (w, h, w, h))]; "
            f"a.get('area', 9e9) > {self.full**2:g} or "
            f"a.update(area=0.53 * a['bbox'][2] * a['bbox'][3])"
        )

    def write(self, value: str, side: str) -> str:
        """A value in px, as Python, for names of the value and of the side in px."""
        if self.low:
            return f'({value} - {self.low:g}) / {self.full - self.low:g} * {side}'
        return f'{value} * {side}' + (f' / {self.full:g}' if self.full != 1 else '')


SCALES = (
    Scale('fractions of the image', 1),
    Scale('fractions from -1 to 1', 1, -1),
    Scale('percent of the image', 100),
    Scale('per mille of the image', 1000),
)


def _read_corners(box: Floats) -> Floats:
    return np.concatenate([box[:, :2], box[:, 2:] - box[:, :2]], 1)


def _read_center(box: Floats) -> Floats:
    return np.concatenate([box[:, :2] - box[:, 2:] / 2, box[:, 2:]], 1)


def _take(*order: int) -> Callable[[Floats], Floats]:
    """Boxes whose four numbers stand in another order."""
    return lambda box: box[:, order]


def _take_corners(*order: int) -> Callable[[Floats], Floats]:
    return lambda box: _read_corners(box[:, order])


def _write(numbers: str, box: str) -> str:
    return f"{_BOX}{numbers} = a['bbox']; a['bbox'] = {box}"


_SIDES = '[x, y, right - x, bottom - y]'
BoxReading = tuple[Callable[[Floats], Floats], str]
BOX_READINGS: dict[str, BoxReading] = {
    'corners [x1, y1, x2, y2]': (
        _read_corners,
        _write('x, y, right, bottom', _SIDES),
    ),
    'center and size [cx, cy, w, h]': (
        _read_center,
        _write('x, y, w, h', '[x - w / 2, y - h / 2, w, h]'),
    ),
    'corners, rows first [y1, x1, y2, x2]': (
        _take_corners(1, 0, 3, 2),
        _write('y, x, bottom, right', _SIDES),
    ),
    'rows first [y, x, height, width]': (
        _take(1, 0, 3, 2),
        _write('y, x, h, w', '[x, y, w, h]'),
    ),
    'columns, then rows [x1, x2, y1, y2]': (
        _take_corners(0, 2, 1, 3),
        _write('x, right, y, bottom', _SIDES),
    ),
    'rows, then columns [y1, y2, x1, x2]': (
        _take_corners(2, 0, 3, 1),
        _write('y, bottom, x, right', _SIDES),
    ),
    'sides from the top, clockwise [y1, x2, y2, x1]': (
        _take_corners(3, 0, 1, 2),
        _write('y, right, bottom, x', _SIDES),
    ),
    'center and size, rows first [cy, cx, h, w]': (
        lambda box: _read_center(box[:, [1, 0, 3, 2]]),
        _write('y, x, h, w', '[x - w / 2, y - h / 2, w, h]'),
    ),
}


def _write_joints(x: str, y: str) -> str:
    return (
        f"{_BOX}k, (x, y, w, h) = a['keypoints'], a['bbox']; "
        f'k[::3], k[1::3] = [{x} for v in k[::3]], [{y} for v in k[1::3]]'
    )


# joints (R, K, 2) and boxes (R, 1, 4) in px, sizes (R, 1, 2) of images -> joints
JointReading = tuple[Callable[[Floats, Floats, Floats], Floats], str]
JOINT_READINGS: dict[str, JointReading] = {
    'rows first [y, x, visibility]': (
        lambda points, box, size: points[..., ::-1],
        "for a in data['annotations']: k = a['keypoints']; "
        'k[::3], k[1::3] = k[1::3], k[::3]',
    ),
    'px from the corner of their box': (
        lambda points, box, size: points + box[..., :2],
        _write_joints('v + x', 'v + y'),
    ),
    'px from the center of their box': (
        lambda points, box, size: points + box[..., :2] + box[..., 2:] / 2,
        _write_joints('v + x + w / 2', 'v + y + h / 2'),
    ),
    'fractions of their box': (
        lambda points, box, size: points * box[..., 2:] + box[..., :2],
        _write_joints('v * w + x', 'v * h + y'),
    ),
    'percent of their box': (
        lambda points, box, size: points * box[..., 2:] / 100 + box[..., :2],
        _write_joints('v * w / 100 + x', 'v * h / 100 + y'),
    ),
    'per mille of their box': (
        lambda points, box, size: points * box[..., 2:] / 1000 + box[..., :2],
        _write_joints('v * w / 1000 + x', 'v * h / 1000 + y'),
    ),
    'rows counted from the lower edge of the image': (
        lambda points, box, size: np.stack(
            [points[..., 0], size[..., 1] - points[..., 1]], -1
        ),
        f"{_EACH}k = a['keypoints']; k[1::3] = [h - y for y in k[1::3]]",
    ),
}


def measure_fit(low: Floats, high: Floats, box: Floats, size: Floats) -> Floats:
    """How well boxes surround joints, and lie in their image -> (R,) from 0 to 1.

    Intersection over union of the box with the extent of the joints, times the part of
    the box that is in the image.

    Args:
        low: (R, 2) least x and y of the labelled joints in px; NaN where unknown.
        high: (R, 2) largest ones.
        box: (R, 4) x, y, width, height in px.
        size: (R, 2) width and height of the image.
    """
    start, extent = box[:, :2], np.maximum(box[:, 2:], 0)
    end = start + extent
    area = extent.prod(1)
    joined = np.maximum(np.minimum(end, high) - np.maximum(start, low), 0).prod(1)
    union = area + (high - low).prod(1) - joined
    inside = np.maximum(np.minimum(end, size) - np.maximum(start, 0), 0).prod(1)
    with np.errstate(invalid='ignore', divide='ignore'):
        fit = joined / union * np.minimum(inside / area, 1)
    return np.where(area > 0, fit, 0)
