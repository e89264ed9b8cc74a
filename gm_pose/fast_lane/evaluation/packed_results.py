"""Predicted people of a validation as arrays, and their scores as CocoMetric gives them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from mmpose.structures.bbox import bbox_xyxy2xywh
from numpy.typing import NDArray

from gm_pose.fast_lane.evaluation.person_results import (
    BatchResults,
    IrregularResults,
    SampleResult,
)

__all__ = ['PackedResults', 'pack_results']


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
        IrregularResults: results of MMPose's own kind are among them, batches have
            different shapes or dtypes, or a number is not finite.
    """
    if not all(type(result) is SampleResult for result in results):
        raise IrregularResults('results of another kind')
    numbers: dict[int, int] = {}
    batches: list[BatchResults] = []
    for result in results:
        if id(result.batch) not in numbers:
            numbers[id(result.batch)] = len(batches)
            batches.append(result.batch)
    firsts = np.cumsum([0, *(len(batch.counts) for batch in batches)])
    samples = np.array([result.place for result in results])
    samples += firsts[[numbers[id(result.batch)] for result in results]]

    counts = _stack(batches, 'counts')
    people = np.repeat(samples, counts[samples])  # sample of each person
    ends = np.cumsum(counts[samples])
    rows = np.arange(len(people)) - np.repeat(ends - counts[samples], counts[samples])
    rows += (np.cumsum(counts) - counts)[people]
    ids, img_ids = _stack(batches, 'ids')[people], _stack(batches, 'img_ids')[people]

    _, firsts, images = np.unique(img_ids, return_index=True, return_inverse=True)
    ranks = np.empty(len(firsts), np.int64)
    ranks[np.argsort(firsts)] = np.arange(len(firsts))
    groups = ranks[images.ravel()]
    order = np.lexsort((ids, groups))
    is_copy = np.zeros(len(order), bool)
    is_copy[1:] = (np.diff(ids[order]) == 0) & (np.diff(groups[order]) == 0)
    order = order[~is_copy]
    rows = rows[order]

    keypoints = _stack(batches, 'keypoints')[rows]
    bboxes, scales = _stack_some(batches, 'bboxes'), _stack_some(batches, 'bbox_scales')
    if scales is None:
        extents = keypoints.max(1) - keypoints.min(1)
        areas = extents[:, 0] * extents[:, 1]
    else:
        areas = np.prod(scales[rows], axis=1)
    return PackedResults(
        img_ids[order],
        _stack(batches, 'category_ids')[people[order]],
        groups[order],
        keypoints,
        _stack(batches, 'keypoint_scores')[rows],
        None if bboxes is None else bbox_xyxy2xywh(bboxes[rows]),
        _stack(batches, 'bbox_scores')[rows],
        areas,
    )


def _stack(batches: list[BatchResults], name: str) -> np.ndarray:
    """The batches' arrays joined: of one shape, one dtype, and finite."""
    arrays = [getattr(batch, name) for batch in batches]
    if len({(array.dtype, array.shape[1:]) for array in arrays}) > 1:
        raise IrregularResults(f'{name} of different shapes or dtypes')
    joined = np.concatenate(arrays)
    if joined.dtype.kind not in 'fi' or not np.isfinite(joined).all():
        raise IrregularResults(f'{name} are not finite numbers')
    return joined


def _stack_some(batches: list[BatchResults], name: str) -> np.ndarray | None:
    """As `_stack`; None where all batches have none."""
    lacking = [getattr(batch, name) is None for batch in batches]
    if all(lacking):
        return None
    if any(lacking):
        raise IrregularResults(f'some batches have no {name}')
    return _stack(batches, name)
