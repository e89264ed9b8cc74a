"""Predicted people, scored and suppressed as CocoMetric does before it evaluates them."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gm_pose.fast_lane.evaluation.packed_results import PackedResults
from gm_pose.runs.evaluation.oks_nms import keep_by_oks
from gm_pose.runs.evaluation.people import DetectedPeople

__all__ = ['ScoringRules', 'keep_people']


class ScoringRules(NamedTuple):
    """Arguments of `CocoMetric`, with its defaults; `soft_oks_nms` is not covered."""

    score_mode: str = 'bbox_keypoint'
    keypoint_score_thr: float = 0.2
    nms_mode: str = 'oks_nms'
    nms_thr: float = 0.9


def keep_people(
    packed: PackedResults, rules: ScoringRules, sigmas: np.ndarray
) -> tuple[DetectedPeople, NDArray[np.float64] | None]:
    """Predicted people -> those that are kept, in the order of the results file; boxes.

    Args:
        packed: predicted people.
        rules: how they are scored and suppressed.
        sigmas: (K,) OKS sigmas.

    Returns:
        D people with their scores, and boxes (D, 4) x, y, w, h where there are any.
    """
    scores = packed.compute_scores(rules.score_mode, rules.keypoint_score_thr)
    if rules.nms_mode == 'none':
        rows = np.arange(len(scores))
    else:
        dtype = np.result_type(packed.keypoints, packed.keypoint_scores)
        rows = keep_by_oks(
            packed.keypoints.astype(dtype, copy=False),
            scores,
            packed.areas,
            packed.groups,
            rules.nms_thr,
            sigmas,
        )
    triplets = np.concatenate(
        [packed.keypoints, packed.keypoint_scores[..., None]], axis=-1
    )[rows].astype(np.float64)
    if packed.bboxes is None:
        bboxes = None
        extents = triplets[..., :2].max(1) - triplets[..., :2].min(1)
        areas = extents[:, 0] * extents[:, 1]
    else:
        bboxes = packed.bboxes[rows].astype(np.float64)
        areas = bboxes[:, 2] * bboxes[:, 3]
    people = DetectedPeople(
        packed.img_ids[rows],
        packed.category_ids[rows],
        triplets,
        areas,
        scores[rows].astype(np.float64),
    )
    return people, bboxes
