"""Which detection belongs to which annotated person, and how far each joint is off."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gm_pose.report.reading.annotated_data import AnnotatedData
from gm_pose.report.reading.predictions import Predictions
from gm_pose.runs.evaluation.keypoint_similarity import compute_oks, list_pairs

__all__ = ['CLOSE', 'PersonErrors', 'measure_people', 'pair_people']

CLOSE = 0.1
"""OKS from which a detection is of a person at all (Ronchi and Perona, ICCV 2017, 3.1)."""

SAME_BOX = 0.5
"""IoU from which a detection of smaller OKS is still of the person whose box it has."""


@dataclass(frozen=True)
class PersonErrors:
    """N people who are to be found, one row each: no crowds, none without a joint.

    Attributes:
        truth_rows: (N,) rows of the annotated people.
        detection_rows: (N,) rows of their detections; -1 where nobody was found.
        is_close: (N,) the detection has an OKS of at least `CLOSE`.
        images: (N,) number of each image among the sorted ids.
        is_labelled: (N, K).
        offsets_px: (N, K, 2) predicted minus annotated x, y; NaN where one is missing.
        sigmas_px: (N, K) OKS sigma times sqrt(area): how far annotators differ.
        similarities: (N, K) OKS of each joint alone; 0 of a person who was not found, NaN
            of a joint without a label.
        oks: (N,) their mean over the labelled joints.
    """

    truth_rows: NDArray[np.int64]
    detection_rows: NDArray[np.int64]
    is_close: NDArray[np.bool_]
    images: NDArray[np.int64]
    is_labelled: NDArray[np.bool_]
    offsets_px: NDArray[np.float64]
    sigmas_px: NDArray[np.float64]
    similarities: NDArray[np.float64]
    oks: NDArray[np.float64]

    @property
    def distances_px(self) -> NDArray[np.float64]:
        """(N, K)."""
        return np.hypot(self.offsets_px[..., 0], self.offsets_px[..., 1])

    @property
    def distances_sigma(self) -> NDArray[np.float64]:
        """(N, K) in OKS sigmas; NaN of people without an area."""
        ratios = np.full(self.sigmas_px.shape, np.nan)
        np.divide(
            self.distances_px, self.sigmas_px, out=ratios, where=self.sigmas_px > 0
        )
        return ratios


def pair_people(
    data: AnnotatedData, predictions: Predictions, oks_sigmas: np.ndarray
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Annotated and predicted people -> row of each person's detection (G,), -1 for none.

    As COCO matches: detections in the order of their scores take the free person of largest
    OKS, from `CLOSE` on. Then who is left takes the detection of the same box, so that the
    joints of a person predicted hopelessly are measured too.

    Returns:
        Rows (G,), and whether the OKS reaches `CLOSE` (G,).
    """
    truth, people = data.truth, predictions.people
    found = np.full(len(truth.image_ids), -1)
    is_close = np.zeros(len(found), bool)
    truth_groups, groups = _number_groups(data, predictions)
    order, truth_order = np.argsort(groups, kind='stable'), np.argsort(truth_groups)
    pairs = list_pairs(truth_groups[truth_order], groups[order])
    rows, truth_rows = order[pairs[0]], truth_order[pairs[1]]
    oks = compute_oks(truth, people, (rows, truth_rows), oks_sigmas)
    is_counted = data.is_counted
    is_free = np.ones(len(people.scores), bool)

    near = np.flatnonzero(oks >= CLOSE)
    # best detection first; of its people those who count, then the largest OKS
    ranks = np.lexsort(
        (
            -oks[near],
            ~is_counted[truth_rows[near]],
            rows[near],
            -people.scores[rows[near]],
        )
    )
    for row, person in zip(
        rows[near[ranks]].tolist(), truth_rows[near[ranks]].tolist(), strict=True
    ):
        if is_free[row] and found[person] < 0:
            is_free[row] = truth.is_crowd[person]
            found[person] = -1 if truth.is_crowd[person] else row
            is_close[person] = not truth.is_crowd[person]

    left = np.flatnonzero(is_free[rows] & (found[truth_rows] < 0))
    overlaps = _compute_ious(
        truth.bboxes[truth_rows[left]], predictions.bboxes[rows[left]]
    )
    for place in np.argsort(-overlaps, kind='stable'):
        if overlaps[place] < SAME_BOX:
            break
        row, person = rows[left[place]], truth_rows[left[place]]
        if is_free[row] and found[person] < 0:
            is_free[row], found[person] = False, row
    return found, is_close


def measure_people(
    data: AnnotatedData, predictions: Predictions, oks_sigmas: np.ndarray
) -> PersonErrors:
    """Annotated and predicted people -> errors of everybody who is to be found."""
    found, is_close = pair_people(data, predictions, oks_sigmas)
    truth_rows = np.flatnonzero(data.is_counted)
    truth = data.truth.take(truth_rows)
    rows = found[truth_rows]
    is_labelled = truth.keypoints[..., 2] > 0
    offsets = np.full((*is_labelled.shape, 2), np.nan)
    has = rows >= 0
    offsets[has] = predictions.people.keypoints[rows[has], :, :2]
    offsets[has] -= truth.keypoints[has, :, :2]
    offsets[~is_labelled] = np.nan
    sigmas_px = np.sqrt(truth.areas)[:, None] * oks_sigmas
    squares = (offsets**2).sum(-1)
    scales = (2 * oks_sigmas) ** 2 * (truth.areas + np.spacing(1))[:, None]
    similarities = np.exp(-squares / scales / 2)
    similarities[~has] = 0
    similarities[~is_labelled] = np.nan
    return PersonErrors(
        truth_rows,
        rows,
        is_close[truth_rows],
        np.searchsorted(data.image_ids, truth.image_ids),
        is_labelled,
        offsets,
        sigmas_px,
        similarities,
        np.nanmean(similarities, axis=1) if len(rows) else np.zeros(0),
    )


def _number_groups(
    data: AnnotatedData, predictions: Predictions
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """One number for each image and category: of annotated and of predicted people."""
    keys = [
        np.stack([people.image_ids, people.category_ids], axis=1)
        for people in (data.truth, predictions.people)
    ]
    _, numbers = np.unique(np.concatenate(keys), axis=0, return_inverse=True)
    numbers = numbers.ravel()
    return numbers[: len(keys[0])], numbers[len(keys[0]) :]


def _compute_ious(first: np.ndarray, second: np.ndarray) -> NDArray[np.float64]:
    """Boxes (P, 4), (P, 4), x, y, w, h -> intersection over union (P,)."""
    low = np.maximum(first[:, :2], second[:, :2])
    high = np.minimum(first[:, :2] + first[:, 2:], second[:, :2] + second[:, 2:])
    common = np.clip(high - low, 0, None).prod(1)
    union = first[:, 2:].prod(1) + second[:, 2:].prod(1) - common
    return np.divide(common, union, out=np.zeros(len(union)), where=union > 0)
