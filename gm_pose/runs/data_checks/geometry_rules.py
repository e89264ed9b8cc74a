"""Do joints, boxes and images fit together? Table of annotations -> indices, or words."""

from __future__ import annotations

import numpy as np

from gm_pose.runs.data_checks.annotation_table import (
    AnnotationTable,
    Flags,
    Floats,
    Indices,
)
from gm_pose.runs.data_checks.people import (
    MIN_JOINTS,
    NOBODY,
    People,
    get_people,
    get_sample,
)
from gm_pose.runs.data_checks.readings import BOX_READINGS, SCALES, Scale

__all__ = [
    'find_joints_that_leave',
    'find_misplaced_joints',
    'find_misread_coordinates',
    'find_misread_people',
]

BETTER = 0.2
"""Another reading must fit by so much better. Labelled joints fill about half of a
person's box: corners read as sizes, or centers as corners, halve that at least."""

MIN_PEOPLE = 3
MIN_PEOPLE_PERCENT, MIN_SIDE_PERCENT = 5, 200
"""Percent are pixels of the image's upper left corner: one person may well be there."""


def find_misread_coordinates(table: AnnotationTable) -> list[str]:
    """Most joints or boxes are of another unit or order: which, and how to convert."""
    if 'misread' not in table.cache:
        table.cache['misread'] = _find_other_reading(get_sample(table))
    return table.cache['misread']


def _find_other_reading(people: People) -> list[str]:
    found: list[str] = []
    if not len(people.at):
        return found
    points, boxes, joint_scale, box_scale = _scale(people)
    if joint_scale is not None:
        found.append(_say('joints', joint_scale.name, joint_scale.convert_joints()))
    if box_scale is not None:
        found.append(_say('boxes', box_scale.name, box_scale.convert_boxes()))
    fit = people.fit(points, boxes)
    if np.isfinite(fit).sum() < MIN_PEOPLE:
        name = None if found else _read_by_image(people)
        return found + ([_say('boxes', name, BOX_READINGS[name][1])] if name else [])
    own = np.nanmedian(fit)
    fits = {
        name: np.nanmedian(people.fit(points, read(boxes)))
        for name, (read, _) in BOX_READINGS.items()
    }
    best = max(fits, key=lambda name: fits[name])
    swapped = np.nanmedian(people.fit(points[..., ::-1], boxes))
    if max(fits[best], swapped) > own + BETTER:
        if swapped > fits[best]:
            line = (
                "for a in data['annotations']: k = a['keypoints']; "
                'k[::3], k[1::3] = k[1::3], k[::3]'
            )
            found.append(_say('joints', 'rows first [y, x, visibility]', line))
        else:
            found.append(_say('boxes', best, BOX_READINGS[best][1]))
    elif not found and (far := people.are_far()).mean() > 0.5:
        found.append(
            f'joints of {far.sum()} of {len(far)} people lie outside their boxes'
        )
    return found


def _say(what: str, name: str, line: str) -> str:
    return f'{what} look like {name}; convert: {line}'


def _scale(
    people: People,
) -> tuple[Floats, Floats, Scale | None, Scale | None]:
    """Joints and boxes in px, and the units that they are in if those are others."""
    points, boxes = people.points, people.boxes
    joint_scale = next((s for s in SCALES if _is_in(s, points, people.size)), None)
    corners = boxes.reshape(-1, 2, 2)
    box_scale = next((s for s in SCALES if _is_in(s, corners, people.size)), None)
    if joint_scale is not None:
        points = points * people.size[:, None] / joint_scale.full
    if box_scale is not None:
        boxes = boxes * np.tile(people.size, 2) / box_scale.full
    return points, boxes, joint_scale, box_scale


def _is_in(scale: Scale, points: Floats, size: Floats) -> bool:
    """Whether most people's points (R, n, 2) are in this unit, and not in px."""
    known = np.isfinite(points[..., 0])
    with np.errstate(invalid='ignore'):
        within = ((points >= 0) & (points <= scale.full * 1.001)).all(2)
    inside = (within | ~known).all(1)
    if scale.full == 1:  # one pixel: nobody is there
        enough = known.sum() >= MIN_PEOPLE
        return bool(len(inside) and enough and inside.mean() > 0.5)
    large = (size > MIN_SIDE_PERCENT).all(1)
    if large.sum() < MIN_PEOPLE_PERCENT or inside[large].mean() < 0.95:
        return False
    reach = np.nanmax(points[large & inside], axis=(0, 1))
    return bool((reach > 40).all())


def _read_by_image(people: People) -> str | None:
    """The reading by which nearly all boxes lie in their images, if theirs does not.

    For people of few joints, and then only what images say.
    """
    margin = 0.05 * people.size

    def stay(box: Floats) -> Flags:
        end = box[:, :2] + box[:, 2:]
        inside = (box[:, :2] >= -margin) & (end <= people.size + margin)
        return (inside & (box[:, 2:] > 0)).all(1)

    own = stay(people.boxes)
    if len(own) < MIN_PEOPLE or own.mean() > 0.8:
        return None
    stays = {
        name: stay(r(people.boxes)).mean() for name, (r, _) in BOX_READINGS.items()
    }
    best = max(stays, key=lambda name: stays[name])
    return best if stays[best] >= 0.95 else None


def find_misread_people(table: AnnotationTable) -> Indices:
    """Some people's joints are fractions, or their boxes fit only as corners or centers.

    Where most are, `find_misread_coordinates` says so; fewer than one in ten may be chance.
    """
    if find_misread_coordinates(table) or not len(_find_misread(get_sample(table))):
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


def find_misplaced_joints(table: AnnotationTable) -> Indices:
    """People whose joints are mostly outside their own box, if one in ten is so.

    Every large data set has a few.
    """
    far = get_sample(table).are_far()
    few = far.sum() < MIN_PEOPLE or far.mean() < 0.1
    if few or find_misread_coordinates(table):
        return NOBODY
    people = get_people(table)
    return people.at[people.are_far()]


def find_joints_that_leave(table: AnnotationTable) -> list[str]:
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
