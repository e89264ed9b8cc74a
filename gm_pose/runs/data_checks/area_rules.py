"""Areas that are not COCO's: table of annotations -> indices of those."""

from __future__ import annotations

import numpy as np

from gm_pose.runs.data_checks.annotation_table import AnnotationTable, Indices

__all__ = ['find_areas_of_boxes']


def find_areas_of_boxes(table: AnnotationTable) -> Indices:
    """People whose area is width x height of their box, if most have that.

    COCO's areas are of masks, about half of the box. OKS divides by the area: with that of
    the box its tolerance is larger, and AP is higher than COCO's would be.

    Boxes are rounded to 0.01 px in COCO's files, areas to whole px^2 in some: they are the
    same up to 0.005 (w + h) + 0.5.
    """
    boxes, areas = table.boxes, table.areas
    _, of_area, of_box = np.intersect1d(areas.at, boxes.at, return_indices=True)
    area, size = areas.values[of_area, 0], boxes.values[of_box, 2:]
    with np.errstate(invalid='ignore', over='ignore'):
        distance = np.abs(area - size.prod(1))
        same = (distance <= 0.005 * size.sum(1) + 0.5) & (area > 0)
    found = boxes.at[of_box][same]
    return found if 2 * len(found) > len(areas.at) else found[:0]
