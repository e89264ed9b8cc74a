"""Cards of single people: the worst, typical ones, and those who changed most."""

from __future__ import annotations

import os.path as osp
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from gm_pose.report.analysis.comparison import Comparison
from gm_pose.report.analysis.error_kinds import KINDS
from gm_pose.report.analysis.run_analysis import RunAnalysis
from gm_pose.report.page.pictures import (
    PersonView,
    draw_person,
    encode_picture,
    read_picture,
)

__all__ = ['PersonCard', 'make_change_cards', 'make_run_cards']


@dataclass(frozen=True)
class PersonCard:
    """One person on the page.

    Attributes:
        group: 'worst', 'typical', 'gained' or 'lost'.
        title: file of the image and id of the annotation.
        oks: of one run, or of reference and setting.
        pictures: one or two `data:` addresses, with their labels.
        errors: kind of error to names of the joints.
        num_labelled: joints.
        size: name of its size.
    """

    group: str
    title: str
    oks: list[float]
    pictures: list[tuple[str, str]]
    errors: dict[str, list[str]] = field(default_factory=dict)
    num_labelled: int = 0
    size: str = ''


def count_lost_joints(run: RunAnalysis) -> np.ndarray:
    """(N,) sum over labelled joints of 1 - OKS of the joint."""
    return np.nansum(1 - run.errors.similarities, axis=1)


def make_run_cards(
    run: RunAnalysis, count: int, tell: Callable[[], None] = lambda: None
) -> list[PersonCard]:
    """The `count` people with most lost joints, and as many around the median OKS.

    By joints and not by OKS: else people of whom a single joint is labelled would be first.

    Args:
        run: what was measured.
        count: of each sort.
        tell: called after each picture.
    """
    lost = count_lost_joints(run)
    worst = np.argsort(-lost, kind='stable')[:count]
    middle = np.abs(run.errors.oks - np.median(run.errors.oks))
    typical = [n for n in np.argsort(middle, kind='stable') if n not in set(worst)]
    cards = []
    for group, rows in (('worst', worst), ('typical', typical[:count])):
        for row in rows:
            cards.append(_make_card(group, [run], int(row)))
            tell()
    return cards


def make_change_cards(
    comparison: Comparison,
    runs: Sequence[RunAnalysis],
    count: int,
    tell: Callable[[], None] = lambda: None,
) -> list[PersonCard]:
    """The `count` people who gained and who lost most, drawn as both runs see them."""
    cards = []
    for group, rows in zip(
        ('gained', 'lost'), comparison.rank_people(count), strict=True
    ):
        for row in rows:
            cards.append(_make_card(group, runs, int(row)))
            tell()
    return cards


def _make_card(group: str, runs: Sequence[RunAnalysis], row: int) -> PersonCard:
    """Card of the person in this row of `PersonErrors`; errors are the last run's."""
    last = runs[-1]
    data = last.inputs.data
    truth_row = last.errors.truth_rows[row]
    path = data.image_files.get(int(data.truth.image_ids[truth_row]))
    image = read_picture(path)
    pictures = [
        (run.inputs.label, encode_picture(_draw(run, row, image))) for run in runs
    ]
    kinds, names = last.kinds.kinds[row], last.inputs.joints.names
    errors = {
        kind: [names[k].replace('_', ' ') for k in np.flatnonzero(kinds == number)]
        for number, kind in enumerate(KINDS)
        if number and (kinds == number).any()
    }
    if last.errors.detection_rows[row] < 0:
        errors = {'not found': ['the whole person']}
    where = osp.basename(path) if path else f'image {data.truth.image_ids[truth_row]}'
    area = data.truth.areas[truth_row]
    return PersonCard(
        group,
        f'{where}, annotation {data.annotation_ids[truth_row]}',
        [float(run.errors.oks[row]) for run in runs],
        pictures,
        errors,
        int(last.errors.is_labelled[row].sum()),
        ('small', 'medium', 'large')[int(np.digitize(area, [32**2, 96**2]))],
    )


def _draw(run: RunAnalysis, row: int, image: np.ndarray | None) -> np.ndarray:
    errors, inputs = run.errors, run.inputs
    truth_row, detection = errors.truth_rows[row], errors.detection_rows[row]
    predicted = None
    if detection >= 0:
        predicted = inputs.predictions.people.keypoints[detection, :, :2]
    view = PersonView(
        inputs.data.truth.keypoints[truth_row],
        predicted,
        run.kinds.kinds[row],
        inputs.data.truth.bboxes[truth_row],
    )
    return draw_person(image, view, inputs.joints.links)
