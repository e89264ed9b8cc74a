"""Joints in images that EXIF turns: are they those of the turned or of the stored image?"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from gm_pose.runs.data_checks.annotation_table import AnnotationTable
from gm_pose.runs.data_checks.finding import Finding
from gm_pose.runs.data_checks.people import get_people
from gm_pose.runs.data_checks.standing import measure_direction

__all__ = ['compare_with_turns']

NAME = 'people whose joints are those of the image before its EXIF turn'

MIN_PEOPLE = 3
RATIO = 3
"""So many times more people must stand in one reading than in the other."""

_UPSIDE_DOWN, _SIDEWAYS = (3, 4), (5, 6, 7, 8)


def compare_with_turns(
    table: AnnotationTable, orientations: Mapping[str, int]
) -> Finding:
    """People who stand only before the turn that EXIF asks for.

    A turn that keeps the size leaves no other trace. Mirrored images say nothing, and
    neither do people that lie; people who stand prove nothing, for tags may be wrong.

    Args:
        table: the annotations.
        orientations: `file_name` -> EXIF orientation, of images that it turns.
    """
    finding = Finding(NAME, 'they train wrong joints', True)
    people = get_people(table)
    if not len(people.at) or not orientations:
        return finding
    names = [image['file_name'] for image in table.images]
    keys = table.fields['image_id']
    turn = np.array(
        [orientations.get(names[table.image_rows[keys[n]]], 1) for n in people.at]
    )
    x, y = measure_direction(table, people).T
    with np.errstate(invalid='ignore'):
        stands = (y > np.abs(x)) & np.isin(turn, _UPSIDE_DOWN + _SIDEWAYS)
        before = (y < -np.abs(x)) & np.isin(turn, _UPSIDE_DOWN)
        before |= (np.abs(x) > np.abs(y)) & np.isin(turn, _SIDEWAYS)
    if before.sum() >= MIN_PEOPLE and before.sum() > RATIO * stands.sum():
        at = people.at[before].tolist()
        finding.add([table.fields['id'][n] for n in at], 'id')
    return finding
