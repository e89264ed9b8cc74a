"""Predicted people of a validation as arrays, and their scores as CocoMetric gives them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from mmpose.structures.bbox import bbox_xyxy2xywh
from numpy.typing import NDArray

__all__ = ['IrregularResults', 'PackedResults', 'PersonResult', 'pack_results']


class IrregularResults(Exception):
    """Predictions that do not fit into arrays: MMPose's own code takes them."""


@dataclass(slots=True)
class PersonResult:
    """What one sample predicts, its arrays not copied. n is 1 for top-down models.

    Neither a tuple nor a dict, so that `BaseMetric.evaluate` does not walk through it.

    Attributes:
        id: of the sample.
        img_id: of its image.
        category_id: of its people.
        keypoints: (n, K, 2) px.
        keypoint_scores: (n, K).
        bboxes: (n, 4) corners, or None.
        bbox_scores: (n,).
        bbox_scales: (n, 2), or None: areas come from the keypoints then.
    """

    id: Any
    img_id: Any
    category_id: Any
    keypoints: np.ndarray
    keypoint_scores: np.ndarray
    bboxes: np.ndarray | None
    bbox_scores: np.ndarray
    bbox_scales: np.ndarray | None

    def to_stock(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """The pair that `CocoMetric.process` would have made."""
        prediction = {
            'id': self.id,
            'img_id': self.img_id,
            'keypoints': self.keypoints,
            'keypoint_scores': self.keypoint_scores,
            'category_id': self.category_id,
            'bbox_scores': self.bbox_scores,
        }
        if self.bboxes is not None:
            prediction['bbox'] = bbox_xyxy2xywh(self.bboxes)
        if self.bbox_scales is not None:
            prediction['areas'] = np.prod(self.bbox_scales, axis=1)
        return prediction, {}


@dataclass(frozen=True)
class PackedResults:
    """N predicted people, one row each. Dtypes are the predictions' own.

    Attributes:
        img_ids: (N,) int64.
        category_ids: (N,) int64.
        groups: (N,) number of the image, in the order in which images came first; sorted.
        keypoints: (N, K, 2) px.
        keypoint_scores: (N, K).
        bboxes: (N, 4) x, y, w, h, or None.
        bbox_scores: (N,).
        areas: (N,) px^2.
    """

    img_ids: NDArray[np.int64]
    category_ids: NDArray[np.int64]
    groups: NDArray[np.int64]
    keypoints: np.ndarray
    keypoint_scores: np.ndarray
    bboxes: np.ndarray | None
    bbox_scores: np.ndarray
    areas: np.ndarray

    def compute_scores(self, mode: str, threshold: float) -> np.ndarray:
        """Scores (N,) by CocoMetric's `score_mode` and `keypoint_score_thr`.

        MMPose adds up numpy scalars one by one; here all rows take each step together, in
        the dtypes that those scalars have in the numpy that is installed.
        """
        if mode == 'bbox':
            return self.bbox_scores
        joint_scores = self.keypoint_scores
        if mode == 'keypoint':
            return joint_scores.mean(1)
        if mode == 'bbox_rle':
            return self.bbox_scores + joint_scores.mean(1) + joint_scores.max(1)
        one = joint_scores.dtype.type(1)
        compared = (one + threshold).dtype
        is_used = joint_scores.astype(compared) > compared.type(threshold)
        totals = np.zeros(len(joint_scores), (0 + one).dtype)
        for joint in range(joint_scores.shape[1]):
            totals += np.where(is_used[:, joint], joint_scores[:, joint], 0)
        counts = is_used.sum(1)
        means = totals.astype((totals.dtype.type(1) / 2).dtype)
        means /= np.maximum(counts, 1).astype(means.dtype)
        product = (self.bbox_scores.dtype.type(1) * means.dtype.type(1)).dtype
        return self.bbox_scores.astype(product) * means.astype(product)


def pack_results(results: Sequence[Any]) -> PackedResults:
    """Results of all samples -> arrays; images in the order in which they came.

    Within an image people are sorted by the sample's id, and of equal ids the first is
    kept: a distributed sampler pads the last batches with copies.

    Raises:
        IrregularResults: ids are no integers, shapes or dtypes differ, or a number is not
            finite.
    """
    if not all(type(result) is PersonResult for result in results):
        raise IrregularResults('results of another kind')
    counts = np.array([len(result.keypoints) for result in results])
    ids, img_ids, category_ids = (
        np.repeat(_read_ids(results, name), counts)
        for name in ('id', 'img_id', 'category_id')
    )
    keypoints = _join(results, 'keypoints', counts, 3)
    keypoint_scores = _join(results, 'keypoint_scores', counts, 2)
    bbox_scores = _join(results, 'bbox_scores', counts, 1)
    bboxes = _join(results, 'bboxes', counts, 2, may_lack=True)
    scales = _join(results, 'bbox_scales', counts, 2, may_lack=True)
    if keypoints is None or keypoint_scores is None or bbox_scores is None:
        raise IrregularResults('no keypoints or scores')
    if keypoints.shape[2] != 2 or keypoint_scores.shape != keypoints.shape[:2]:
        raise IrregularResults('keypoints are not (x, y) with one score each')
    if scales is None:
        extents = keypoints.max(1) - keypoints.min(1)
        areas = extents[:, 0] * extents[:, 1]
    else:
        areas = np.prod(scales, axis=1)

    _, firsts, images = np.unique(img_ids, return_index=True, return_inverse=True)
    ranks = np.empty(len(firsts), np.int64)
    ranks[np.argsort(firsts)] = np.arange(len(firsts))
    groups = ranks[images.ravel()]
    order = np.lexsort((ids, groups))
    is_copy = np.zeros(len(order), bool)
    is_copy[1:] = (np.diff(ids[order]) == 0) & (np.diff(groups[order]) == 0)
    rows = order[~is_copy]
    return PackedResults(
        img_ids[rows],
        category_ids[rows],
        groups[rows],
        keypoints[rows],
        keypoint_scores[rows],
        None if bboxes is None else bbox_xyxy2xywh(bboxes[rows]),
        bbox_scores[rows],
        areas[rows],
    )


def _read_ids(results: Sequence[PersonResult], name: str) -> NDArray[np.int64]:
    values = np.array([getattr(result, name) for result in results])
    if values.ndim != 1 or values.dtype.kind not in 'iu':
        raise IrregularResults(f'{name} is no integer')
    return values.astype(np.int64)


def _join(
    results: Sequence[PersonResult],
    name: str,
    counts: np.ndarray,
    ndim: int,
    may_lack: bool = False,
) -> np.ndarray | None:
    """Arrays (n, ...) of all samples -> (N, ...), of one dtype and finite."""
    arrays = [getattr(result, name) for result in results]
    if may_lack and all(array is None for array in arrays):
        return None
    if any(array is None for array in arrays):
        raise IrregularResults(f'some samples have no {name}')
    kinds = {(array.dtype, array.shape[1:]) for array in arrays}
    if len(kinds) > 1 or [len(array) for array in arrays] != counts.tolist():
        raise IrregularResults(f'{name} of different shapes or dtypes')
    joined = np.concatenate(arrays)
    if joined.ndim != ndim or joined.dtype.kind != 'f' or not np.isfinite(joined).all():
        raise IrregularResults(f'{name} are not finite floats with {ndim} axes')
    return joined
