"""A trained model on one split of a dataset: CocoMetric and per-joint numbers."""

from typing import Any

import numpy as np
import torch
from mmengine.evaluator import Evaluator
from mmengine.runner import Runner
from mmpose.registry import KEYPOINT_CODECS

from studies.training.datasets import locate_split
from studies.training.flip_tests import FLIP_TESTS, predict_heatmaps
from studies.training.joint_statistics import (
    compute_person_oks,
    score_people,
    summarize_joints,
)

_METRICS = {
    'AP': 'coco/AP',
    'AP50': 'coco/AP .5',
    'AP75': 'coco/AP .75',
    'AR': 'coco/AR',
}
# The flip tests whose maps are also decoded with the metric's sigmas, and what
# that is called
OKS_DECODINGS = {'plain': 'plain_oks', 'flip': 'flip_oks'}
# The tests whose results hold each person's OKS and score, for the bootstrap
KEEP_PEOPLE = (*OKS_DECODINGS, *OKS_DECODINGS.values())


def evaluate_model(
    model: Any, cfg: Any, split: dict, decode_sigmas: Any = None
) -> dict[str, dict[str, Any]]:
    """Model + split -> test -> dict(AP, AP50, AP75, AR in percent, joints).

    Ground-truth boxes, MMPose's decoding and CocoMetric. MMEngine's TestLoop step by
    step: the maps are predicted once and decoded for every flip test, and the predictions
    are at hand for the per-joint lists and, in `KEEP_PEOPLE`, those of people.

    Args:
        model: in any mode.
        cfg: of the run.
        split: of `prepare_splits`.
        decode_sigmas: the codec's `decode_sigmas` of the tests in `OKS_DECODINGS`; None
            leaves these out.
    """
    loader_cfg = cfg.evaluation_loader.to_dict()
    loader_cfg['dataset'].update(locate_split(split))
    loader = Runner.build_dataloader(loader_cfg)
    metainfo = loader.dataset.metainfo
    stride = cfg.codec.input_size[0] // cfg.codec.heatmap_size[0]
    # test -> (whose maps, decoded by which codec)
    tests = {name: (name, model.head.decoder) for name in FLIP_TESTS}
    if decode_sigmas is not None:
        codec = dict(cfg.codec.to_dict(), decode_sigmas=decode_sigmas)
        wide = KEYPOINT_CODECS.build(codec)
        tests |= {test: (name, wide) for name, test in OKS_DECODINGS.items()}
    evaluators = {name: build_evaluator(split, metainfo) for name in tests}
    people: dict[str, list[dict]] = {name: [] for name in tests}
    model.eval()
    with torch.no_grad():
        for batch in loader:
            data = model.data_preprocessor(batch, False)
            maps = predict_heatmaps(
                model, data['inputs'], metainfo['flip_indices'], stride
            )
            for name, (flip_test, decoder) in tests.items():
                model.head.decoder = decoder
                samples = model.add_pred_to_datasample(
                    model.head.decode(maps[flip_test]),
                    None,
                    [sample.clone() for sample in data['data_samples']],
                )
                evaluators[name].process(data_samples=samples, data_batch=batch)
                people[name] += [_read_sample(sample) for sample in samples]
    model.head.decoder = tests['plain'][1]
    oks_sigmas = np.asarray(metainfo['sigmas'])
    results = {}
    for name in tests:
        values = evaluators[name].evaluate(len(loader.dataset))
        columns = {
            key: np.stack([p[key] for p in people[name]]) for key in people[name][0]
        }
        results[name] = {
            metric: round(100 * float(values[key]), 3)
            for metric, key in _METRICS.items()
        }
        results[name]['joints'] = summarize_joints(**columns, oks_sigmas=oks_sigmas)
        if name in KEEP_PEOPLE:
            people_oks = compute_person_oks(
                *(columns[key] for key in ('predicted', 'truth', 'labelled', 'areas')),
                oks_sigmas,
            )
            results[name]['people'] = dict(
                oks=people_oks.round(5).tolist(),
                score=score_people(columns['scores']).round(5).tolist(),
            )
    return results


def build_evaluator(split: dict, metainfo: dict) -> Evaluator:
    """CocoMetric on one split."""
    evaluator = Evaluator([dict(type='CocoMetric', ann_file=split['ann_file'])])
    evaluator.dataset_meta = metainfo
    return evaluator


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
