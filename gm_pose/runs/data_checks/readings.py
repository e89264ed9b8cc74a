"""Other ways to read joints and boxes, each with the line of Python that converts it.

COCO has pixels: joints x, y, visibility, and boxes x, y, width, height of the upper left
corner. Converters also write fractions or percent of the image, corners, or centers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from gm_pose.runs.data_checks.annotation_table import Floats

__all__ = ['BOX_READINGS', 'SCALES', 'Scale', 'measure_fit']

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
        factor: px for one of it, as text for the line that converts.
    """

    name: str
    full: float
    factor: str = ''

    def convert_joints(self) -> str:
        """The line that makes pixels of joints."""
        return (
            f"{_EACH}k = a['keypoints']; k[::3] = [x * w{self.factor} for x in k[::3]]; "
            f'k[1::3] = [y * h{self.factor} for y in k[1::3]]'
        )

    def convert_boxes(self) -> str:
        """The line that makes pixels of boxes, whatever their four numbers are."""
        return (
            f"{_EACH}a['bbox'] = [v * s{self.factor} for v, s in "
            f"zip(a['bbox'], (w, h, w, h))]; "
            f"a.get('area', 9e9) > {self.full**2:g} or "
            f"a.update(area=0.53 * a['bbox'][2] * a['bbox'][3])"
        )


SCALES = (
    Scale('fractions of the image', 1),
    Scale('percent of the image', 100, ' / 100'),
)


def _read_corners(box: Floats) -> Floats:
    return np.concatenate([box[:, :2], box[:, 2:] - box[:, :2]], 1)


def _read_center(box: Floats) -> Floats:
    return np.concatenate([box[:, :2] - box[:, 2:] / 2, box[:, 2:]], 1)


def _read_rows_first(box: Floats) -> Floats:
    return box[:, [1, 0, 3, 2]]


Reading = tuple[Callable[[Floats], Floats], str]
BOX_READINGS: dict[str, Reading] = {
    'corners [x1, y1, x2, y2]': (
        _read_corners,
        f"{_BOX}x, y, right, bottom = a['bbox']; a['bbox'] = [x, y, right - x, bottom - y]",
    ),
    'center and size [cx, cy, w, h]': (
        _read_center,
        f"{_BOX}x, y, w, h = a['bbox']; a['bbox'] = [x - w / 2, y - h / 2, w, h]",
    ),
    'corners, rows first [y1, x1, y2, x2]': (
        lambda box: _read_corners(_read_rows_first(box)),
        f"{_BOX}y, x, bottom, right = a['bbox']; "
        "a['bbox'] = [x, y, right - x, bottom - y]",
    ),
    'rows first [y, x, height, width]': (
        _read_rows_first,
        f"{_BOX}y, x, h, w = a['bbox']; a['bbox'] = [x, y, w, h]",
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
