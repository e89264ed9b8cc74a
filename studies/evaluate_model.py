"""A trained model on one part of a dataset: CocoMetric and per-joint numbers."""

from typing import Any

import numpy as np
import torch
from mmengine.evaluator import Evaluator
from mmengine.runner import Runner

from studies.build_config import locate_part
from studies.joint_statistics import summarize_joints

_METRICS = {
    'AP': 'coco/AP',
    'AP50': 'coco/AP .5',
    'AP75': 'coco/AP .75',
    'AR': 'coco/AR',
}


def evaluate_model(model: Any, cfg: Any, part: dict, flip_test: bool) -> dict[str, Any]:
    """Model + part -> dict(AP, AP50, AP75, AR in percent, joints=per-joint lists).

    Ground-truth boxes. MMEngine's TestLoop step by step, so that the predictions are at
    hand for the per-joint numbers too.
    """
    loader_cfg = cfg.evaluation_loader.to_dict()
    loader_cfg['dataset'].update(locate_part(part))
    loader = Runner.build_dataloader(loader_cfg)
    metric = dict(type='CocoMetric', ann_file=part['ann_file'])
    evaluator = Evaluator([metric])
    evaluator.dataset_meta = loader.dataset.metainfo
    model.test_cfg['flip_test'] = flip_test
    model.eval()
    people = []
    with torch.no_grad():
        for batch in loader:
            samples = model.test_step(batch)
            evaluator.process(data_samples=samples, data_batch=batch)
            people += [_read_sample(sample) for sample in samples]
    values = evaluator.evaluate(len(loader.dataset))
    columns = {key: np.stack([p[key] for p in people]) for key in people[0]}
    result: dict[str, Any] = {
        name: round(100 * float(values[key]), 3) for name, key in _METRICS.items()
    }
    result['joints'] = summarize_joints(
        **columns, oks_sigmas=np.asarray(loader.dataset.metainfo['sigmas'])
    )
    return result


def _read_sample(sample: Any) -> dict[str, np.ndarray]:
    """PoseDataSample of one person -> arguments of `summarize_joints` for it."""
    annotation = sample.metainfo['raw_ann_info']
    if isinstance(annotation, list):
        annotation = annotation[0]
    keypoints = np.asarray(annotation['keypoints'], dtype=float).reshape(-1, 3)
    predicted = sample.pred_instances
    input_size = np.asarray(sample.metainfo['input_size'], dtype=float)
    return dict(
        predicted=np.asarray(predicted.keypoints[0], dtype=float),
        scores=np.asarray(predicted.keypoint_scores[0], dtype=float),
        truth=keypoints[:, :2],
        labelled=keypoints[:, 2] > 0,
        areas=np.asarray(annotation['area'], dtype=float),
        scales=input_size / np.asarray(sample.metainfo['input_scale']).reshape(2),
    )
