"""What a metric keeps of each predicted batch: arrays, and one light object a sample."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from mmpose.structures.bbox import bbox_xyxy2xywh
from numpy.typing import NDArray

__all__ = [
    'BatchResults',
    'IrregularResults',
    'SampleResult',
    'join_samples',
]


class IrregularResults(Exception):
    """Predictions that do not fit into arrays: MMPose's own code takes them."""


@dataclass(frozen=True)
class BatchResults:
    """What a batch of S samples predicts, people of all samples joined (N; S if top-down).

    Attributes:
        ids: (S,) int64, of the samples.
        img_ids: (S,) int64.
        category_ids: (S,) int64.
        counts: (S,) people of each sample.
        keypoints: (N, K, 2) px.
        keypoint_scores: (N, K).
        bboxes: (N, 4) corners, or None.
        bbox_scores: (N,).
        bbox_scales: (N, 2), or None: areas come from the keypoints then.
    """

    ids: NDArray[np.int64]
    img_ids: NDArray[np.int64]
    category_ids: NDArray[np.int64]
    counts: NDArray[np.int64]
    keypoints: np.ndarray
    keypoint_scores: np.ndarray
    bboxes: np.ndarray | None
    bbox_scores: np.ndarray
    bbox_scales: np.ndarray | None


@dataclass(slots=True)
class SampleResult:
    """One sample of a batch: MMEngine counts, gathers and cuts results by the sample.

    Neither a tuple nor a dict, so that `BaseMetric.evaluate` does not walk through it; a
    pickle of many holds each batch once.
    """

    batch: BatchResults
    place: int

    def to_stock(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """The pair that `CocoMetric.process` would have made."""
        batch, place = self.batch, self.place
        end = int(batch.counts[: place + 1].sum())
        rows = slice(end - int(batch.counts[place]), end)
        prediction = {
            'id': int(batch.ids[place]),
            'img_id': int(batch.img_ids[place]),
            'keypoints': batch.keypoints[rows],
            'keypoint_scores': batch.keypoint_scores[rows],
            'category_id': int(batch.category_ids[place]),
            'bbox_scores': batch.bbox_scores[rows],
        }
        if batch.bboxes is not None:
            prediction['bbox'] = bbox_xyxy2xywh(batch.bboxes[rows])
        if batch.bbox_scales is not None:
            prediction['areas'] = np.prod(batch.bbox_scales[rows], axis=1)
        return prediction, {}


def join_samples(samples: Sequence[dict[str, Any]]) -> BatchResults:
    """Samples after prediction, as `CocoMetric.process` takes them -> one batch.

    Raises:
        IrregularResults: ids are no integers, or shapes and dtypes differ.
    """
    try:
        predictions = [sample['pred_instances'] for sample in samples]
        truths = [sample['gt_instances'] for sample in samples]
        keypoints = [prediction['keypoints'] for prediction in predictions]
        keypoint_scores = [prediction['keypoint_scores'] for prediction in predictions]
        ids = _join_ids([sample['id'] for sample in samples])
        img_ids = _join_ids([sample['img_id'] for sample in samples])
    except KeyError as error:
        raise IrregularResults(f'a sample has no {error}') from error
    counts = [len(array) for array in keypoints]
    bbox_scores = [
        _choose_bbox_scores(*row)
        for row in zip(predictions, truths, counts, strict=True)
    ]
    batch = BatchResults(
        ids,
        img_ids,
        _join_ids([sample.get('category_id', 1) for sample in samples]),
        np.array(counts),
        _join(keypoints, counts),
        _join(keypoint_scores, counts),
        _join_some([prediction.get('bboxes') for prediction in predictions], counts),
        _join(bbox_scores, counts),
        _join_some([truth.get('bbox_scales') for truth in truths], counts),
    )
    shape = batch.keypoints.shape
    if len(shape) != 3 or shape[2] != 2 or batch.keypoint_scores.shape != shape[:2]:
        raise IrregularResults('keypoints are not (x, y) with one score each')
    if batch.bbox_scores.ndim != 1:
        raise IrregularResults('bbox_scores are not one for each person')
    return batch


def _choose_bbox_scores(
    prediction: dict[str, Any], truth: dict[str, Any], count: int
) -> np.ndarray:
    """Scores (n,) of the boxes, from where `CocoMetric.process` takes them."""
    if 'bbox_scores' in prediction:
        return prediction['bbox_scores']
    if 'bbox_scores' in truth and len(truth['bbox_scores']) == count:
        return truth['bbox_scores']
    return np.ones(count)


def _join_ids(values: list[Any]) -> NDArray[np.int64]:
    ids = np.array(values)
    if ids.ndim != 1 or ids.dtype.kind not in 'iu':
        raise IrregularResults('ids are no integers')
    return ids.astype(np.int64)


def _join(arrays: list[np.ndarray], counts: list[int]) -> np.ndarray:
    """Arrays (n, ...) of all samples -> (N, ...), of one dtype."""
    if not all(isinstance(array, np.ndarray) for array in arrays):
        raise IrregularResults('an array is none of numpy')
    kinds = {(array.dtype, array.shape[1:]) for array in arrays}
    if len(kinds) > 1 or [len(array) for array in arrays] != counts:
        raise IrregularResults('arrays of different shapes or dtypes')
    return np.concatenate(arrays)


def _join_some(arrays: list[Any], counts: list[int]) -> np.ndarray | None:
    """As `_join`; None where all are None."""
    return None if all(array is None for array in arrays) else _join(arrays, counts)
