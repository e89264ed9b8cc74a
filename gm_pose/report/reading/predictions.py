"""Predicted people, from a dump of MMEngine or from a COCO results file."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gm_pose.runs.evaluation.coco_people import read_detected_people
from gm_pose.runs.evaluation.people import DetectedPeople
from gm_pose.runs.user_errors import UserError

__all__ = ['Predictions', 'read_results_list', 'read_samples']


@dataclass(frozen=True)
class Predictions:
    """The people that a run predicts, as its evaluation counts them.

    Attributes:
        people: D people.
        bboxes: (D, 4) x, y, w, h in px: their boxes, or the extent of their joints.
        image_files: id of an image to its file, where the run tells it.
    """

    people: DetectedPeople
    bboxes: NDArray[np.float64]
    image_files: dict[int, str] = field(default_factory=dict)


def read_results_list(results: Any, num_keypoints: int, path: str) -> Predictions:
    """Entries of a COCO results file -> predictions; areas as `COCO.loadRes` has them.

    Raises:
        UserError: not a list of results, or one without a field, or of another K.
    """
    if not isinstance(results, list) or not all(isinstance(r, dict) for r in results):
        raise UserError(
            f'{path} is no list of results. Fix: give a COCO keypoint results file '
            '(image_id, category_id, keypoints, score)'
        )
    if not results:
        raise UserError(f'{path} holds no result')
    complete = [
        {'category_id': 1, **result, 'area': 0.0, 'id': place}
        for place, result in enumerate(results)
    ]
    try:
        people = read_detected_people(complete, num_keypoints)
        with_boxes = all(len(result.get('bbox') or ()) == 4 for result in results)
        if with_boxes:
            bboxes = np.array([result['bbox'] for result in results], float)
    except (ValueError, TypeError, OverflowError) as error:
        raise UserError(f'{path}: {error}') from error
    finite = np.isfinite(people.scores) & np.isfinite(people.keypoints).all((1, 2))
    if not finite.all():
        raise UserError(
            f'{path} has scores or keypoints that are not finite numbers, first in image '
            f'{people.image_ids[finite.argmin()]}'
        )
    if not with_boxes:
        low = people.keypoints[..., :2].min(1)
        bboxes = np.hstack([low, people.keypoints[..., :2].max(1) - low])
    people = DetectedPeople(
        people.image_ids,
        people.category_ids,
        people.keypoints,
        bboxes[:, 2] * bboxes[:, 3],
        people.scores,
    )
    return Predictions(people, bboxes)


def read_samples(
    samples: list[dict[str, Any]],
    oks_sigmas: np.ndarray,
    path: str,
    scoring: dict[str, Any] | None = None,
) -> Predictions:
    """Samples of a dump -> predictions, scored and suppressed as `CocoMetric` does.

    Args:
        samples: of `read_dump`.
        oks_sigmas: (K,).
        path: for messages.
        scoring: `CocoMetric`'s score_mode, keypoint_score_thr, nms_mode and nms_thr, where
            the run's config has them.

    Raises:
        UserError: predictions that are not finite, of several shapes, or of another K; or
            `nms_mode='soft_oks_nms'`.
    """
    from gm_pose.fast_lane.evaluation.kept_people import ScoringRules, keep_people
    from gm_pose.fast_lane.evaluation.packed_results import pack_results
    from gm_pose.fast_lane.evaluation.person_results import (
        IrregularResults,
        SampleResult,
        join_samples,
    )

    known = {k: v for k, v in (scoring or {}).items() if k in ScoringRules._fields}
    rules = ScoringRules(**known)
    if rules.nms_mode not in ('oks_nms', 'none'):
        raise UserError(
            f'nms_mode is {rules.nms_mode!r}; expected oks_nms or none. Fix: let '
            'CocoMetric write its results file (outfile_prefix), and give that file as RUN'
        )
    # A category in a dump is an array without dimensions; a list of boxes has no labels.
    samples = [
        {
            **sample,
            'category_id': int(sample.get('category_id', 1)),
            'gt_instances': sample.get('gt_instances') or {},
        }
        for sample in samples
    ]
    try:
        batch = join_samples(samples)
        packed = pack_results([SampleResult(batch, n) for n in range(len(samples))])
    except IrregularResults as error:
        raise UserError(f'predictions of {path}: {error}') from error
    num_keypoints = packed.keypoints.shape[1]
    if num_keypoints != len(oks_sigmas):
        raise UserError(
            f'{path} predicts {num_keypoints} joints; expected {len(oks_sigmas)}, as the '
            'annotations have. Fix: --metainfo of the data set, or --ann of the test'
        )
    people, bboxes = keep_people(packed, rules, oks_sigmas)
    if bboxes is None:
        low = people.keypoints[..., :2].min(1)
        bboxes = np.hstack([low, people.keypoints[..., :2].max(1) - low])
    files = {
        int(sample['img_id']): str(sample['img_path'])
        for sample in samples
        if sample.get('img_path')
    }
    return Predictions(people, bboxes, files)
