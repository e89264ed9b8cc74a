"""One score for each person, from those of the joints."""

import numpy as np
from numpy.typing import NDArray

from gm_pose.inference.backends.pose_backend import ModelDescription, PeopleArrays
from gm_pose.ops.uncertainty import (
    average_expected_oks,
    compute_expected_oks,
    compute_tolerances,
)
from gm_pose.runs.evaluation.coco_people import AREA_TO_BOX_RATIO
from gm_pose.runs.user_errors import UserError

__all__ = ['SCORES', 'check_score', 'score_people']

SCORES = ('peak', 'expected_oks')
# `CocoMetric`'s keypoint_score_thr
_COUNTED = 0.2


def check_score(score: str, description: ModelDescription) -> None:
    """Refuse a score that there is no such thing as, or that the model cannot have.

    Raises:
        ValueError: another name.
        UserError: 'expected_oks' for joints without OKS sigmas.
    """
    if score not in SCORES:
        raise ValueError(f"score is {score!r}; expected 'peak' or 'expected_oks'")
    if score == 'expected_oks' and description.oks_sigmas is None:
        raise UserError(
            f'{description.name} has no OKS sigmas in its metainfo, which expected_oks '
            "needs. Fix: score='peak'"
        )


def score_people(
    people: PeopleArrays,
    boxes_px: NDArray[np.float32],
    bbox_scores: NDArray[np.float32],
    score: str,
    description: ModelDescription,
) -> NDArray[np.float32]:
    """People (N) -> scores (N,), 0 to 1, times the scores of their boxes.

    Args:
        people: N.
        boxes_px: (N, 4).
        bbox_scores: (N,).
        score: 'peak': mean of the joints' scores that are above 0.2, as MMPose's
            `CocoMetric`; 'expected_oks': mean over all joints of the OKS to be
            expected of each.
        description: for OKS sigmas and calibration.
    """
    if len(people) == 0:
        return np.zeros(0, np.float32)
    if score == 'peak':
        counted = people.keypoint_scores > _COUNTED
        total = np.where(counted, people.keypoint_scores, 0).sum(1)
        scores = total / np.maximum(counted.sum(1), 1)
    else:
        sides = np.asarray(boxes_px, np.float64)[:, 2:] - boxes_px[:, :2]
        tolerances = compute_tolerances(
            AREA_TO_BOX_RATIO * sides.prod(1), np.array(description.oks_sigmas)
        )
        expected = compute_expected_oks(
            people.covariances_px2,
            people.presence,
            tolerances,
            description.calibration,
        )
        scores = average_expected_oks(expected)
    return (scores * bbox_scores).astype(np.float32)
