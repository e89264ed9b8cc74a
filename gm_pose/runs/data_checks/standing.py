"""Which way people stand: from the feet to the head, where joints' names tell both."""

from __future__ import annotations

import re

import numpy as np

from gm_pose.runs.data_checks.annotation_table import AnnotationTable, Floats
from gm_pose.runs.data_checks.people import People, get_sample
from gm_pose.runs.data_checks.rule import Level, rule

__all__ = ['measure_direction', 'stand_on_heads', 'upside_down']

HEAD = ('nose', 'eye', 'ear', 'head', 'face', 'neck')
FEET = ('ankle', 'foot', 'toe', 'heel')
LOWER = ('knee', 'hip', 'pelvis')

MIN_PEOPLE = 8


def measure_direction(table: AnnotationTable, people: People) -> Floats:
    """(R, 2): from the head to the feet in px, x and y; NaN where that is not known."""
    names = table.own_names or table.config_names or []
    unknown = np.full((len(people.at), 2), np.nan)
    if len(names) != people.points.shape[1]:
        return unknown
    head = _average(people, names, HEAD)
    feet = _average(people, names, FEET)
    lower = _average(people, names, LOWER)
    return np.where(np.isfinite(feet), feet, lower) - head


def _average(people: People, names: list[str], words: tuple[str, ...]) -> Floats:
    """(R, 2): mean of the labelled joints that have one of the words in their name."""
    pattern = re.compile('|'.join(words), re.IGNORECASE)
    chosen = people.points[:, [bool(pattern.search(name)) for name in names]]
    known = np.isfinite(chosen)
    with np.errstate(invalid='ignore', divide='ignore'):
        return np.where(known, chosen, 0).sum(1) / known.sum(1)


def stand_on_heads(table: AnnotationTable, people: People) -> bool:
    """Whether nine of ten people do: rows are counted upward, or the camera hung so."""
    direction = measure_direction(table, people)
    known = np.isfinite(direction).all(1)
    over = direction[known][:, 1] < -np.abs(direction[known][:, 0])
    return bool(known.sum() >= MIN_PEOPLE and over.mean() > 0.9)


@rule(
    'files whose people stand on their heads',
    'rows may be counted from the lower edge, or images be turned',
    Level.NOTED,
    kind='file:',
)
def upside_down(table: AnnotationTable) -> list[str]:
    """The file, if nearly all of its people stand on their heads."""
    if not stand_on_heads(table, get_sample(table)):
        return []
    return ['nearly all people']
