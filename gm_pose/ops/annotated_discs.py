"""Annotated people -> the largest disc around each visible joint inside their mask."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gm_pose.ops.annotated_people import Annotation, Floats, stack_joints
from gm_pose.ops.joint_discs import measure_radii
from gm_pose.ops.mask_strips import draw_strip
from gm_pose.ops.segmentation_masks import check_segmentation, draw_mask

__all__ = ['measure_discs']

Indices = NDArray[np.int64]


def measure_discs(
    people: list[Annotation], num_joints: int
) -> tuple[Indices, Indices, Floats]:
    """People with segmentation and box -> person, joint and radius in px of each disc.

    Joints of visibility 2 inside the mask have one.

    Raises:
        ValueError: a segmentation cannot be read; the text names the annotation.

    Example:
        Joints in the middle of a square of 5 x 5 px, and at its corner.

        >>> square = [[2, 2, 6, 2, 6, 6, 2, 6]]
        >>> joints = [4, 4, 2, 2, 2, 2]
        >>> person = dict(segmentation=square, bbox=[2, 2, 4, 4], keypoints=joints)
        >>> found = measure_discs([person], 2)
        >>> [array.tolist() for array in found]
        [[0, 0], [0, 1], [3.0, 1.0]]
    """
    positions, visible = stack_joints(people, num_joints)
    with np.errstate(invalid='ignore'):  # NaN where nothing is labelled
        cells = np.round(positions).astype(np.int64)
    are_shown = visible == 2
    boxes = np.array([a['bbox'] for a in people], np.float64).reshape(-1, 4)
    wanted = are_shown.any(1)
    strip = draw_strip([a['segmentation'] for a in people], boxes, wanted)
    placed = cells - strip.origins[:, None]
    inside = ((placed >= strip.low[:, None]) & (placed < strip.high[:, None])).all(2)
    person, joint = (inside & are_shown & strip.are_drawn[:, None]).nonzero()
    found = [(person, joint, measure_radii(strip.mask, placed[person, joint]))]
    for n in np.flatnonzero(~strip.are_drawn & (wanted | ~strip.are_right)):
        shown = are_shown[n].nonzero()[0]
        try:
            at, radii = _measure_one(people[n], cells[n, shown])
        except ValueError as error:
            raise ValueError(f'annotation {people[n].get("id")}: {error}') from error
        found.append((np.full(len(at), n), shown[at], radii))
    person, joint, radii = map(np.concatenate, zip(*found, strict=True))
    has_disc = radii > 0  # a joint outside its own mask has none
    return person[has_disc], joint[has_disc], radii[has_disc].astype(np.float64)


def _measure_one(
    annotation: Annotation, cells: Indices
) -> tuple[Indices, NDArray[np.float32]]:
    """Pixels (R, 2) of a person's joints -> which are in its mask, radii of discs."""
    nothing = np.zeros(0, np.int64), np.zeros(0, np.float32)
    if not len(cells):
        check_segmentation(annotation['segmentation'])
        return nothing
    drawn = draw_mask(annotation['segmentation'], annotation['bbox'])
    if drawn is None:
        return nothing
    mask, corner = drawn
    cells = cells - corner
    (inside,) = np.nonzero(((cells >= 0) & (cells < mask.shape[::-1])).all(1))
    return inside, measure_radii(mask, cells[inside])
