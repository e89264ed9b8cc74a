"""A metric that keeps, of each person, what a calibration is fitted to."""

from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

import numpy as np
from mmengine.evaluator import BaseMetric
from mmpose.registry import METRICS
from numpy.typing import NDArray

from gm_pose.ops.array_types import is_tensor
from gm_pose.ops.uncertainty import (
    BOX_AREA_SHARE,
    Evidence,
    compute_tolerances,
    measure_uncertainty,
)

__all__ = ['UncertaintyMetric']


@METRICS.register_module()
class UncertaintyMetric(BaseMetric):
    """Maps, predictions and annotations -> `gm_pose.ops.uncertainty.Evidence`.

    Needs ``test_cfg.output_heatmaps=True`` and annotated boxes. The maps are those that
    are decoded, so of a flip test their mean.

    Args:
        sigmas_cells: (K,) or (1,), sigmas of the targets.
        cell_px: (2,), input px per cell that predictions are scaled by.
        **kwargs: of `BaseMetric`.

    Attributes:
        evidence: after the evaluation, of the N people in the order of their ids.
        image_ids: (N,) likewise.
        peaks: (N, K), scores that were predicted.
    """

    default_prefix = 'uncertainty'

    def __init__(
        self,
        sigmas_cells: Sequence[float],
        cell_px: Sequence[float],
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.sigmas_cells = np.array(sigmas_cells, np.float64)
        self.cell_px = np.array(cell_px, np.float64)
        self.evidence: Evidence | None = None
        self.image_ids: NDArray[np.int64] = np.zeros(0, np.int64)
        self.peaks: NDArray[np.float64] = np.zeros((0, 0))

    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        """Measure the maps of one batch."""
        maps = np.stack([_read_maps(sample) for sample in data_samples])
        rows = [self._read_sample(sample) for sample in data_samples]
        predicted, truth = (
            np.stack([row[name] for row in rows]) for name in ('predicted', 'truth')
        )
        places = predicted.astype(np.float32)
        measured = measure_uncertainty(maps, places, self.sigmas_cells)
        errors = truth - predicted
        for k, row in enumerate(rows):
            row.update(
                covariances=measured.covariances_cells2[k],
                presence=measured.presence[k],
                errors=errors[k],
            )
        self.results += rows

    def _read_sample(self, sample: dict) -> dict[str, Any]:
        """One person; positions in cells of its map."""
        truth, predicted = sample['gt_instances'], sample['pred_instances']
        scale = np.reshape(sample['input_scale'], 2).astype(np.float64)
        corner = np.reshape(sample['input_center'], 2) - scale / 2
        px_per_cell = scale / np.reshape(sample['input_size'], 2) * self.cell_px
        box = np.reshape(truth['bboxes'], (-1, 4))[0].astype(np.float64)
        box_area = BOX_AREA_SHARE * np.prod(box[2:] - box[:2])
        sigmas = np.asarray(self.dataset_meta['sigmas'], np.float64)
        area = _read_area(sample, box_area)
        joints = np.asarray(truth['keypoints'], np.float64)[0, :, :2]
        labelled = np.asarray(truth['keypoints_visible']).reshape(len(joints), -1)
        distances = np.linalg.norm(joints - predicted['keypoints'][0], axis=-1)
        tolerances = compute_tolerances(np.array([box_area, area]), sigmas)
        return dict(
            id=int(sample['id']),
            image_id=int(sample['img_id']),
            predicted=(predicted['keypoints'][0] - corner) / px_per_cell,
            truth=(joints - corner) / px_per_cell,
            labelled=labelled[:, 0] > 0,
            peaks=np.asarray(predicted['keypoint_scores'][0], np.float64),
            tolerances=tolerances[0] / np.sqrt(np.prod(px_per_cell)),
            true_oks=np.exp(-((distances / tolerances[1]) ** 2) / 2),
        )

    def compute_metrics(self, results: list) -> dict[str, float]:
        """Rows of all people -> the attributes; how many people and labelled joints."""
        unique = {row['id']: row for row in results}  # a sampler may pad with copies
        rows = [unique[key] for key in sorted(unique)]
        names = ['covariances', 'presence', 'errors', 'labelled', 'tolerances']
        names += ['true_oks']
        columns = (np.stack([row[name] for row in rows]) for name in names)
        self.evidence = Evidence(*columns)
        self.image_ids = np.array([row['image_id'] for row in rows])
        self.peaks = np.stack([row['peaks'] for row in rows])
        count = float(self.evidence.labelled.sum())
        return OrderedDict(people=float(len(rows)), labelled_joints=count)


def _read_maps(sample: dict) -> NDArray[np.float32]:
    maps: Any = sample['pred_fields']['heatmaps']
    maps = maps.detach().cpu().numpy() if is_tensor(maps) else maps
    return np.asarray(maps, np.float32)


def _read_area(sample: dict, box_area: float) -> float:
    """The area that scales the person's OKS: annotated, or that of the box."""
    annotation = sample.get('raw_ann_info')
    annotation = annotation[0] if isinstance(annotation, list) else annotation
    area = annotation.get('area') if isinstance(annotation, dict) else None
    return float(area) if area else float(box_area)
