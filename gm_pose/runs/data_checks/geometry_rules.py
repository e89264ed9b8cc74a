"""Do joints, boxes and images fit together? Table of annotations -> indices, or words."""

from __future__ import annotations

import numpy as np

from gm_pose.runs.data_checks.annotation_table import (
    AnnotationTable,
    Indices,
)
from gm_pose.runs.data_checks.explanations import explain_misread
from gm_pose.runs.data_checks.misreadings import (
    BETTER,
    MIN_PEOPLE,
    find_other_reading,
    find_rows_from_below,
)
from gm_pose.runs.data_checks.people import (
    MIN_JOINTS,
    NOBODY,
    People,
    get_people,
    get_sample,
)
from gm_pose.runs.data_checks.readings import (
    BOX_READINGS,
)
from gm_pose.runs.data_checks.rule import Level, rule

__all__ = [
    'joints_that_leave',
    'misplaced_joints',
    'misread_coordinates',
    'misread_people',
]


@rule(
    'coordinates that look like another format',
    'AP is near 0 after training',
    Level.REFUSED,
    kind='file:',
    explain=explain_misread,
)
def misread_coordinates(table: AnnotationTable) -> list[str]:
    """Most joints or boxes are of another unit or order: which, and how to convert."""
    if 'misread' not in table.cache:
        people = get_sample(table)
        table.cache['misread'] = find_other_reading(people) or find_rows_from_below(
            table, people
        )
    return table.cache['misread']


@rule(
    'people whose coordinates look like another format',
    'they train wrong joints',
    Level.HARMFUL,
)
def misread_people(table: AnnotationTable) -> Indices:
    """Some people's joints are fractions, or their boxes fit only as corners or centers.

    Where most are, `misread_coordinates` says so; fewer than one in ten may be chance.
    """
    if misread_coordinates.find(table) or not len(_find_misread(get_sample(table))):
        return NOBODY
    return _find_misread(get_people(table))


def _find_misread(people: People) -> Indices:
    known = np.isfinite(people.points[..., 0])
    with np.errstate(invalid='ignore'):
        tiny = ((people.points >= 0) & (people.points <= 1.001)).all(2) | ~known
    fractions = tiny.all(1) & (known.sum(1) >= MIN_PEOPLE)
    if fractions.any():
        return people.at[fractions]
    fit = people.fit(people.points, people.boxes)
    other = np.stack(
        [
            people.fit(people.points, read(people.boxes))
            for read, _ in BOX_READINGS.values()
        ]
    )
    with np.errstate(invalid='ignore'):
        better = other > fit + BETTER
    enough = better.sum(1) >= max(MIN_PEOPLE, 0.1 * np.isfinite(fit).sum())
    return people.at[better[enough].any(0)]


@rule(
    'people whose joints are outside their box', 'their targets are cut', Level.HARMFUL
)
def misplaced_joints(table: AnnotationTable) -> Indices:
    """People whose joints are mostly outside their own box, if one in ten is so.

    Every large data set has a few.
    """
    far = get_sample(table).are_far()
    few = far.sum() < MIN_PEOPLE or far.mean() < 0.1
    if few or misread_coordinates.find(table):
        return NOBODY
    people = get_people(table)
    return people.at[people.are_far()]


@rule(
    'files whose joints are outside their images',
    'they may be those of other sizes',
    Level.HARMFUL,
    kind='file:',
)
def joints_that_leave(table: AnnotationTable) -> list[str]:
    """The file, if one in ten labelled joints is outside its image by a twentieth of it."""
    people = get_sample(table)
    known = np.isfinite(people.points[..., 0])
    size = people.size[:, None]
    with np.errstate(invalid='ignore'):
        outside = (people.points < -size / 20) | (people.points > size * 1.05)
    count = (outside.any(2) & known).sum()
    if count <= MIN_JOINTS or count < 0.1 * known.sum():
        return []
    return [f'{count} of {known.sum()} labelled joints']
