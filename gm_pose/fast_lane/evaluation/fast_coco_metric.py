"""MMPose's CocoMetric, evaluated on arrays."""

from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

import numpy as np
import orjson
from mmengine.fileio import get_local_path, put
from mmengine.logging import MMLogger
from mmpose.evaluation.metrics import CocoMetric
from mmpose.registry import METRICS
from numpy.typing import NDArray
from xtcocotools.coco import COCO

from gm_pose.fast_lane.evaluation.kept_people import ScoringRules, keep_people
from gm_pose.fast_lane.evaluation.packed_results import PackedResults, pack_results
from gm_pose.fast_lane.evaluation.person_results import (
    IrregularResults,
    SampleResult,
    join_samples,
)
from gm_pose.runs.data_checks.json_file import read_json
from gm_pose.runs.evaluation.average_precision import (
    SUMMARY,
    MatchingRules,
    compute_precision,
    print_summary,
)
from gm_pose.runs.evaluation.coco_people import read_true_people
from gm_pose.runs.evaluation.people import DetectedPeople, TruePeople

__all__ = ['FastCocoMetric']


@METRICS.register_module()
class FastCocoMetric(CocoMetric):
    """`CocoMetric` with the same arguments, numbers and results file, in less time.

    The annotation file is read once, not twice. People are kept as arrays and scored,
    suppressed and evaluated for all images at once, with the roundings of MMPose and
    xtcocotools: the same people are kept and the ten numbers are equal. The results file
    ``<outfile_prefix>.keypoints.json`` holds the same data without indentation; without
    ``outfile_prefix``, where MMPose writes a temporary file, none is written.

    What the arrays do not cover goes through MMPose's own code, with its results: other
    types than ``iou_type='keypoints'``, ``nms_mode='soft_oks_nms'``, converters, ground
    truth taken from the samples (no ``ann_file``), and predictions with ids that are no
    integers, or with numbers that are not finite.

    Args:
        ann_file: COCO annotation file; None takes the data set's.
        **kwargs: the other arguments of `CocoMetric`.
    """

    def __init__(self, ann_file: str | None = None, **kwargs: Any) -> None:
        super().__init__(ann_file=None, **kwargs)
        self.ann_file = ann_file
        self._truth: tuple[COCO, TruePeople] | None = None
        if ann_file is None:
            return
        with get_local_path(ann_file) as path:
            content = read_json(path)
            if not self.format_only and 'annotations' not in content:
                raise ValueError(
                    f'{ann_file} has no annotations; expected them for an evaluation. '
                    'Fix: format_only=True'
                )
            self.coco = COCO(path, ann_data=content)

    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        """Keep the predictions of one batch, see `CocoMetric.process`."""
        if self.coco is None:  # annotations come with the samples
            super().process(data_batch, data_samples)
            return
        try:
            batch = join_samples(data_samples)
        except IrregularResults:
            super().process(data_batch, data_samples)
            return
        places = range(len(data_samples))
        self.results.extend([SampleResult(batch, place) for place in places])

    def compute_metrics(self, results: list) -> dict[str, float]:
        """Results of all samples -> the ten numbers, see `CocoMetric.compute_metrics`."""
        try:
            packed = self._pack(results)
            truth = None if self.format_only else self._read_truth(packed)
        except IrregularResults:
            return super().compute_metrics(
                [r.to_stock() if isinstance(r, SampleResult) else r for r in results]
            )
        people, bboxes = keep_people(
            packed,
            ScoringRules(
                self.score_mode, self.keypoint_score_thr, self.nms_mode, self.nms_thr
            ),
            np.asarray(self.dataset_meta['sigmas']),
        )
        if self.outfile_prefix is not None:
            path = f'{self.outfile_prefix}.keypoints.json'
            put(_format_results(people, bboxes), path)
        logger: MMLogger = MMLogger.get_current_instance()
        if truth is None:
            logger.info(f'results are saved in {path}')
            return {}
        logger.info(f'Evaluating {type(self).__name__}...')
        rules = MatchingRules()
        numbers = compute_precision(
            truth,
            people,
            np.asarray(self.dataset_meta['sigmas']),
            np.array(list(self.coco.imgs)),
            np.array(list(self.coco.cats)),
            rules,
        ).summarize(rules.thresholds)
        print_summary(numbers)
        return OrderedDict(zip(SUMMARY, numbers, strict=True))

    def _pack(self, results: list) -> PackedResults:
        if (
            self.iou_type != 'keypoints'
            or self.nms_mode == 'soft_oks_nms'
            or self.pred_converter is not None
            or self.gt_converter is not None
            or self.coco is None
            or len(results) == 0
        ):
            raise IrregularResults('options that arrays do not cover')
        packed = pack_results(results)
        num_keypoints = packed.keypoints.shape[1]
        expected = {
            self.dataset_meta['num_keypoints'],
            len(self.dataset_meta['sigmas']),
        }
        if expected != {num_keypoints}:
            raise IrregularResults('another number of keypoints')
        return packed

    def _read_truth(self, packed: PackedResults) -> TruePeople:
        """Annotations as arrays, made at the first evaluation."""
        if self._truth is None or self._truth[0] is not self.coco:
            annotations = self.coco.dataset['annotations']
            ids = [*self.coco.imgs, *self.coco.cats]
            if not all(type(i) is int for i in ids):
                raise IrregularResults('ids are no integers')
            if len(self.coco.anns) != len(annotations):
                raise IrregularResults('two annotations have the same id')
            try:
                people = read_true_people(
                    annotations, packed.keypoints.shape[1], self.use_area
                )
            except (ValueError, TypeError, KeyError) as error:
                raise IrregularResults(str(error)) from error
            numbers = (people.keypoints, people.areas, people.bboxes)
            if not all(np.isfinite(values).all() for values in numbers):
                raise IrregularResults('annotations are not finite')
            self._truth = self.coco, people
        if not np.isin(packed.img_ids, list(self.coco.imgs)).all():
            raise IrregularResults('images that the annotations do not name')
        return self._truth[1]


def _format_results(
    people: DetectedPeople, bboxes: NDArray[np.float64] | None
) -> bytes:
    """People -> the JSON text of a COCO results file, keys sorted."""
    rows = people.keypoints.reshape(len(people.scores), -1)
    columns = [
        people.category_ids.tolist(),
        people.image_ids.tolist(),
        rows,
        people.scores.tolist(),
    ]
    names = ['category_id', 'image_id', 'keypoints', 'score']
    if bboxes is not None:
        columns.insert(0, bboxes.tolist())
        names.insert(0, 'bbox')
    return orjson.dumps(
        [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)],
        option=orjson.OPT_SERIALIZE_NUMPY,
    )
