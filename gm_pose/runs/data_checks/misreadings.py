"""Joints and boxes of another unit or order: which one fits, and how to convert."""

from __future__ import annotations

import numpy as np

from gm_pose.runs.data_checks.annotation_table import AnnotationTable, Flags, Floats
from gm_pose.runs.data_checks.joints_of_crops import describe_crops
from gm_pose.runs.data_checks.people import People
from gm_pose.runs.data_checks.readings import (
    BOX_READINGS,
    JOINT_READINGS,
    SCALES,
    Scale,
)
from gm_pose.runs.data_checks.standing import stand_on_heads
from gm_pose.runs.data_checks.units import find_scale

__all__ = ['BETTER', 'MIN_PEOPLE', 'find_other_reading', 'find_rows_from_below']

BETTER = 0.2
"""Another reading must fit by so much better. Labelled joints fill about half of a
person's box: corners read as sizes, or centers as corners, halve that at least."""

POOR = 0.3  # fits at most so well where a unit is wrong
SLIGHTLY_BETTER = 0.02  # where people also stand on their heads

MIN_PEOPLE = 3

_OF_BOX = 'px from the corner of their box'  # crops may be resized, too


def find_other_reading(people: People) -> list[str]:
    """The unit or order in which joints and boxes fit: which, and how to convert."""
    if not len(people.at):
        return []
    found: list[str] = []
    points, boxes = people.points, people.boxes
    size = people.size[:, None]
    box_scale = find_scale(boxes.reshape(-1, 2, 2), people.size)
    joint_scale = find_scale(points, people.size)
    if joint_scale is not None:
        points = joint_scale.convert(points, size)
        found.append(_say('joints', joint_scale.name, joint_scale.convert_joints()))
    if box_scale is None:
        box_scale = _find_box_scale(people, points)
    if box_scale is not None:
        boxes = box_scale.convert(boxes, np.tile(people.size, 2))
        found.append(_say('boxes', box_scale.name, box_scale.convert_boxes()))
    fit = people.fit(points, boxes)
    if np.isfinite(fit).sum() < MIN_PEOPLE:
        reading = None if found else _read_by_image(people)
        line = BOX_READINGS[reading][1] if reading else ''
        return [*found, _say('boxes', reading, line)] if reading else found
    own = np.nanmedian(fit)
    fits = [
        (people.fit(points, read(boxes)), 'boxes', name, line)
        for name, (read, line) in BOX_READINGS.items()
    ]
    fits += [  # also of what looks like a part of the image
        (
            people.fit(read(people.points, boxes[:, None], size), boxes),
            'joints',
            name,
            line,
        )
        for name, (read, line) in JOINT_READINGS.items()
    ]
    best = max(fits, key=lambda reading: np.nan_to_num(np.nanmedian(reading[0])))
    if np.nanmedian(best[0]) > own + BETTER:
        if best[1] == 'joints' and joint_scale is not None:
            del found[0]
        crops = describe_crops(people) if best[2] == _OF_BOX else None
        found.append(crops or _say(*best[1:]))
    elif not found and (far := people.are_far()).mean() > 0.5:
        words = f'joints of {far.sum()} of {len(far)} people lie outside their boxes'
        found.append(describe_crops(people) or words)
    return found


def _find_box_scale(people: People, points: Floats) -> Scale | None:
    """The unit in which boxes fit joints in px, whatever their order, if px do not."""

    def measure(boxes: Floats) -> float:
        readings = [boxes, *(read(boxes) for read, _ in BOX_READINGS.values())]
        fits = [people.fit(points, box) for box in readings]
        known = [f for f in fits if np.isfinite(f).any()]
        return max((float(np.nanmedian(f)) for f in known), default=0.0)

    fit = people.fit(points, people.boxes)
    if not np.isfinite(fit).any() or np.nanmedian(fit) > POOR:
        return None
    own = measure(people.boxes)
    sides = np.tile(people.size, 2)
    fits = [measure(scale.convert(people.boxes, sides)) for scale in SCALES]
    best = int(np.argmax(fits))
    return SCALES[best] if fits[best] > own + BETTER else None


def find_rows_from_below(table: AnnotationTable, people: People) -> list[str]:
    """Tall people in the middle of their image fit their boxes nearly as well so."""
    if not stand_on_heads(table, people):
        return []
    name = 'rows counted from the lower edge of the image'
    read, line = JOINT_READINGS[name]
    turned = read(people.points, people.boxes[:, None], people.size[:, None])
    gain = people.fit(turned, people.boxes) - people.fit(people.points, people.boxes)
    better = np.nanmedian(gain) > SLIGHTLY_BETTER if np.isfinite(gain).any() else False
    return [_say('joints', name, line)] if better else []


def _say(what: str, name: str, line: str) -> str:
    return f'{what} look like {name}; convert: {line}'


def _read_by_image(people: People) -> str | None:
    """The reading by which nearly all boxes lie in their images, if theirs does not.

    For people of few joints, and then only what images say.
    """
    margin = 0.05 * people.size

    def stay(box: Floats) -> Flags:
        end = box[:, :2] + box[:, 2:]
        inside = (box[:, :2] >= -margin) & (end <= people.size + margin)
        return np.asarray((inside & (box[:, 2:] > 0)).all(1))

    own = stay(people.boxes)
    if len(own) < MIN_PEOPLE or own.mean() > 0.8:
        return None
    stays = {
        name: stay(r(people.boxes)).mean() for name, (r, _) in BOX_READINGS.items()
    }
    best = max(stays, key=lambda name: stays[name])
    return best if stays[best] >= 0.95 else None
