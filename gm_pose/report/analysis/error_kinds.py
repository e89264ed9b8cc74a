"""Kinds of error of each joint, and how much AP each kind costs.

Ronchi and Perona, Benchmarking and error diagnosis in multi-instance pose estimation, ICCV
2017, section 3.1. Of the similarity of a predicted joint with its own place, with the place
of the joint of the other side, and with both places of everybody else in the image, the
largest decides:

good       with its own place, above 0.85
jitter     with its own place, from 0.5 to 0.85
inversion  with the other side of the same person, at least 0.5: left for right
swap       with a joint of somebody else, at least 0.5
miss       below 0.5 with all of them
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gm_pose.report.analysis.evaluation import Evaluation
from gm_pose.report.analysis.person_errors import PersonErrors
from gm_pose.runs.evaluation.keypoint_similarity import list_pairs
from gm_pose.runs.evaluation.people import DetectedPeople, TruePeople

__all__ = ['KINDS', 'ErrorKinds', 'KindCosts', 'find_error_kinds', 'measure_kind_costs']

KINDS = ('good', 'jitter', 'inversion', 'swap', 'miss')
UNKNOWN = -1
FOUND, GOOD = 0.5, 0.85


@dataclass(frozen=True)
class ErrorKinds:
    """Of N people's K joints.

    Attributes:
        kinds: (N, K) index into `KINDS`; -1 without a label or a detection whose OKS is at
            least 0.1.
        targets: (N, K) the similarity that a corrected joint has with its own place; NaN
            where there is nothing to correct.
    """

    kinds: NDArray[np.int64]
    targets: NDArray[np.float64]

    def count(self) -> NDArray[np.int64]:
        """Joints of each kind: (K, 5)."""
        return np.stack([(self.kinds == n).sum(0) for n in range(len(KINDS))], axis=1)


class KindCosts(NamedTuple):
    """AP that errors cost.

    Attributes:
        gains: AP without this kind, minus AP, for each of `KINDS` but good.
        all_gain: AP without any of them, minus AP.
        score_gain: AP if scores ordered people by their OKS, minus AP.
    """

    gains: dict[str, float]
    all_gain: float
    score_gain: float


def find_error_kinds(
    truth: TruePeople,
    people: DetectedPeople,
    errors: PersonErrors,
    mirror: Sequence[int],
    oks_sigmas: np.ndarray,
) -> ErrorKinds:
    """Paired people -> the kind of each joint's error.

    Args:
        truth: G annotated people, crowds included: their joints are somebody's too.
        people: D predicted people.
        errors: of the N people who are to be found.
        mirror: (K,) index of the joint of the other side.
        oks_sigmas: (K,).
    """
    close = np.flatnonzero(errors.is_close)
    rows, own = errors.detection_rows[close], errors.truth_rows[close]
    points = people.keypoints[rows, :, :2]
    sides = np.array(mirror)

    def compare(places: np.ndarray, persons: np.ndarray, swapped: bool) -> np.ndarray:
        """Similarities (P, K) with the persons' joints, or with those of the other side."""
        keypoints = truth.keypoints[persons]
        keypoints = keypoints[:, sides] if swapped else keypoints
        squares = ((points[places] - keypoints[..., :2]) ** 2).sum(-1)
        scales = (2 * oks_sigmas) ** 2 * (truth.areas[persons] + np.spacing(1))[:, None]
        return np.where(keypoints[..., 2] > 0, np.exp(-squares / scales / 2), -1.0)

    every = np.arange(len(close))
    with_own = compare(every, own, swapped=False)
    with_side = np.where(sides == np.arange(len(sides)), -1, compare(every, own, True))

    order = np.argsort(truth.image_ids, kind='stable')
    groups = np.unique(truth.image_ids, return_inverse=True)[1].ravel()
    by_group = np.argsort(groups[own], kind='stable')
    pairs = list_pairs(groups[order], groups[own][by_group])
    places, persons = by_group[pairs[0]], order[pairs[1]]
    is_other = persons != own[places]
    places, persons = places[is_other], persons[is_other]
    with_others = np.full(with_own.shape, -1.0)
    for swapped in (False, True):
        np.maximum.at(with_others, places, compare(places, persons, swapped))

    alternatives = np.stack([with_own, with_side, with_others])
    best, largest = alternatives.argmax(0), alternatives.max(0)
    kinds = np.choose(best, [KINDS.index(n) for n in ('jitter', 'inversion', 'swap')])
    kinds[(best == 0) & (largest > GOOD)] = KINDS.index('good')
    kinds[largest < FOUND] = KINDS.index('miss')
    targets = np.choose(
        kinds, [np.full_like(largest, np.nan), GOOD, largest, largest, FOUND]
    )

    all_kinds = np.full(errors.is_labelled.shape, UNKNOWN)
    all_targets = np.full(errors.is_labelled.shape, np.nan)
    labelled = errors.is_labelled[close]
    all_kinds[close] = np.where(labelled, kinds, UNKNOWN)
    all_targets[close] = np.where(labelled, targets, np.nan)
    return ErrorKinds(all_kinds, all_targets)


def correct_kinds(
    truth: TruePeople,
    people: DetectedPeople,
    errors: PersonErrors,
    found: ErrorKinds,
    chosen: Sequence[str],
    oks_sigmas: np.ndarray,
) -> DetectedPeople:
    """The same people with errors of the chosen kinds corrected.

    As in the paper a joint goes to the edge of the next better kind, not to its exact
    place: jitter to a similarity of 0.85, a miss to 0.5; of an inversion or swap the
    distance is kept, and counts from the right place. (The authors' code takes half of
    these distances: it leaves out the 2 of COCO's ``(2 sigma)^2``.)
    """
    indices = [KINDS.index(kind) for kind in chosen]
    person, joint = np.nonzero(np.isin(found.kinds, indices))
    rows, truth_rows = errors.detection_rows[person], errors.truth_rows[person]
    places = truth.keypoints[truth_rows, joint, :2]
    keypoints = people.keypoints.copy()
    gaps = keypoints[rows, joint, :2] - places
    targets = found.targets[person, joint]
    areas = truth.areas[truth_rows] + np.spacing(1)
    wanted = 2 * oks_sigmas[joint] * np.sqrt(-2 * np.log(targets) * areas)
    lengths = np.hypot(gaps[:, 0], gaps[:, 1])
    # 1e-9 inside, lest rounding leave an OKS below the threshold that it should reach
    wanted *= 1 - 1e-9
    parts = np.divide(wanted, lengths, out=np.zeros(len(lengths)), where=lengths > 0)
    keypoints[rows, joint, :2] = places + gaps * parts[:, None]
    return replace(people, keypoints=keypoints)


def measure_kind_costs(
    evaluation: Evaluation,
    people: DetectedPeople,
    errors: PersonErrors,
    found: ErrorKinds,
    ap: float,
    ideal_ap: float,
) -> KindCosts:
    """Predicted people -> AP that each kind of error costs, each corrected alone.

    Args:
        evaluation: of the annotated people.
        people: predicted people.
        errors: of the people who are to be found.
        found: the kinds.
        ap: of the predicted people.
        ideal_ap: of the predicted people with ideal scores.
    """

    def measure(kinds: Sequence[str]) -> float:
        corrected = correct_kinds(
            evaluation.data.truth, people, errors, found, kinds, evaluation.oks_sigmas
        )
        return evaluation.measure_ap(corrected) - ap

    gains = {kind: measure([kind]) for kind in KINDS[1:]}
    return KindCosts(gains, measure(KINDS[1:]), ideal_ap - ap)
