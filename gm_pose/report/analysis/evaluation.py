"""AP of a run as it is, and as it would be with some of its errors gone."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from gm_pose.report.analysis.person_errors import PersonErrors
from gm_pose.report.reading.annotated_data import AnnotatedData
from gm_pose.runs.evaluation.average_precision import accumulate
from gm_pose.runs.evaluation.keypoint_similarity import compute_oks, list_pairs
from gm_pose.runs.evaluation.matched_people import (
    MatchedPeople,
    MatchingRules,
    match_people,
)
from gm_pose.runs.evaluation.people import DetectedPeople
from gm_pose.runs.evaluation.resampled_precision import resample_precision

__all__ = ['Evaluation', 'measure_perfect_joints', 'use_ideal_scores']


@dataclass(frozen=True)
class Evaluation:
    """COCO's evaluation on one set of annotated people.

    Attributes:
        data: annotated people.
        oks_sigmas: (K,).
        rules: COCO's thresholds and areas.
    """

    data: AnnotatedData
    oks_sigmas: NDArray[np.float64]
    rules: MatchingRules

    def match(self, people: DetectedPeople) -> MatchedPeople:
        """Predicted people -> matches."""
        return match_people(
            self.data.truth,
            people,
            self.oks_sigmas,
            self.data.image_ids,
            self.data.category_ids,
            self.rules,
        )

    def summarize(self, matched: MatchedPeople) -> NDArray[np.float64]:
        """Matches -> COCO's ten numbers (10,)."""
        return accumulate(matched, self.rules).summarize(self.rules.thresholds)

    def measure_ap(self, people: DetectedPeople) -> float:
        """Predicted people -> AP."""
        return float(self.summarize(self.match(people))[0])


def measure_perfect_joints(
    evaluation: Evaluation,
    people: DetectedPeople,
    errors: PersonErrors,
    image_counts: NDArray[np.int64],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """AP if one joint were predicted without error wherever its person was found.

    Args:
        evaluation: of the annotated people.
        people: predicted people.
        errors: of the people who are to be found.
        image_counts: (S, I) bootstrap samples.

    Returns:
        (K,) for all people, and (S, K) for each sample.
    """
    has = np.flatnonzero(errors.detection_rows >= 0)
    rows, truth_rows = errors.detection_rows[has], errors.truth_rows[has]
    numbers, samples = [], []
    for joint in range(len(evaluation.oks_sigmas)):
        labelled = errors.is_labelled[has, joint]
        keypoints = people.keypoints.copy()
        keypoints[rows[labelled], joint, :2] = evaluation.data.truth.keypoints[
            truth_rows[labelled], joint, :2
        ]
        matched = evaluation.match(replace(people, keypoints=keypoints))
        numbers.append(float(evaluation.summarize(matched)[0]))
        samples.append(resample_precision(matched, image_counts, evaluation.rules))
    return np.array(numbers), np.stack(samples, axis=1)


def use_ideal_scores(evaluation: Evaluation, people: DetectedPeople) -> DetectedPeople:
    """The same people, each scored by its largest OKS with anybody of its image.

    What Ronchi and Perona call optimal scores (ICCV 2017, section 3.2; there with Soft-NMS
    besides).
    """
    truth = evaluation.data.truth
    groups = [
        np.searchsorted(evaluation.data.image_ids, p.image_ids) for p in (truth, people)
    ]
    order, truth_order = np.argsort(groups[1], kind='stable'), np.argsort(groups[0])
    pairs = list_pairs(groups[0][truth_order], groups[1][order])
    rows, truth_rows = order[pairs[0]], truth_order[pairs[1]]
    is_known = np.isin(people.image_ids, evaluation.data.image_ids)[rows]
    rows, truth_rows = rows[is_known], truth_rows[is_known]
    same = people.category_ids[rows] == truth.category_ids[truth_rows]
    rows, truth_rows = rows[same], truth_rows[same]
    oks = compute_oks(truth, people, (rows, truth_rows), evaluation.oks_sigmas)
    scores = np.zeros(len(people.scores))
    np.maximum.at(scores, rows, np.nan_to_num(oks))
    return replace(people, scores=scores)
