"""Validation people and what a model predicts of them, with the error of each joint."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from mmengine.config import Config
from mmpose.registry import DATASETS
from numpy.typing import NDArray

from gm_pose.codecs.base_codec import get_type
from gm_pose.looks.read_config import read_setup
from gm_pose.looks.samples import Person, Setup
from gm_pose.looks.training_samples import read_maps
from gm_pose.ops.annotated_people import read_area
from gm_pose.runs.user_errors import UserError

__all__ = ['Prediction', 'measure_oks', 'open_validation']

BATCH = 16


@dataclass(frozen=True)
class Prediction:
    """A model's answer for one person.

    Attributes:
        heatmaps: (K, H, W).
        joints_px: (K, 2) px of the crop.
        errors_px: (K,) px of the image, NaN for unlabelled joints.
        joint_oks: (K,), NaN for unlabelled joints, or where no OKS sigmas are known.
    """

    heatmaps: NDArray[np.float32]
    joints_px: NDArray[np.float64]
    errors_px: NDArray[np.float64]
    joint_oks: NDArray[np.float64]

    @property
    def oks(self) -> float:
        """Of the person: mean over labelled joints."""
        return _mean(self.joint_oks)

    @property
    def error_px(self) -> float:
        """Mean over labelled joints."""
        return _mean(self.errors_px)

    def describe(self) -> str:
        """For a title."""
        return f'OKS {self.oks:.2f}, {self.error_px:.1f} px off in the mean'


def _mean(values: NDArray[np.float64]) -> float:
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else float('nan')


def measure_oks(
    errors_px: NDArray[np.float64], oks_sigmas: NDArray[np.float64], area_px2: float
) -> NDArray[np.float64]:
    """Distances (K,) -> OKS of each joint, exp(-d^2 / (2 area (2 s)^2)) as in COCO.

    Example:
        >>> measure_oks(np.array([0.0, 10.0]), np.array([0.1, 0.1]), 2500.0).round(4)
        array([1.    , 0.6065])
    """
    variance = (2 * oks_sigmas) ** 2 * max(area_px2, 1e-9)
    return np.exp(-(errors_px**2) / (2 * variance))


def open_validation(
    cfg: Config, model: Any, count: int
) -> tuple[Setup, Iterator[tuple[Person, Prediction]]]:
    """Config, its model with weights -> people evenly spaced over the validation set.

    On annotated boxes, without augmentation, as `gm_pose test --gt-boxes` has them;
    targets are drawn by the codec of the head.
    """
    encoder = cfg.model.head.decoder
    dataset = _build_dataset(cfg, encoder)
    setup = read_setup(encoder, dataset.metainfo, 'validation, annotated boxes')
    total = len(dataset)
    count = min(count, total)
    indices = [n * total // count for n in range(count)]
    sigmas = dataset.metainfo.get('sigmas')
    return setup, _predict(dataset, model, setup, indices, sigmas)


def _build_dataset(cfg: Config, encoder: Any) -> Any:
    settings = cfg.val_dataloader.dataset
    pipeline = [dict(step) for step in settings.get('pipeline') or ()]
    names = [get_type(step) for step in pipeline]
    if 'PackPoseInputs' not in names:
        raise UserError(
            'val_dataloader.dataset has no pipeline with PackPoseInputs; expected one of '
            "MMPose's top-down pipelines"
        )
    at = names.index('PackPoseInputs')
    pipeline[at]['pack_transformed'] = True
    pipeline.insert(at, dict(type='GenerateTarget', encoder=encoder))
    return DATASETS.build(dict(settings, pipeline=pipeline))


def _predict(
    dataset: Any, model: Any, setup: Setup, indices: list[int], sigmas: Any
) -> Iterator[tuple[Person, Prediction]]:
    for start in range(0, len(indices), BATCH):
        packed = [dataset[index] for index in indices[start : start + BATCH]]
        # before the model runs: it puts its own fields into the samples
        people = [_make_person(item, setup) for item in packed]
        with torch.no_grad():
            results = model.test_step(
                dict(
                    inputs=[item['inputs'] for item in packed],
                    data_samples=[item['data_samples'] for item in packed],
                )
            )
        for person, result in zip(people, results, strict=True):
            yield person, _make_prediction(person, result, setup, sigmas)


def _make_person(item: dict[str, Any], setup: Setup) -> Person:
    sample = item['data_samples']
    instances = sample.gt_instances
    visible = np.asarray(instances.keypoints_visible)
    count = len(setup.names)
    weights = sample.gt_instance_labels.keypoint_weights.numpy()
    return Person(
        image=item['inputs'].numpy().transpose(1, 2, 0),
        heatmaps=read_maps(sample.gt_fields, count),
        weights=weights.reshape(-1, count)[-1],
        joints_px=np.asarray(instances.transformed_keypoints, float)[0, :, :2],
        labelled=visible.reshape(-1, count)[0] >= 0.5,
        image_path=sample.img_path,
        id=sample.get('id'),
    )


def _make_prediction(
    person: Person, result: Any, setup: Setup, sigmas: Any
) -> Prediction:
    info = result.metainfo
    found = np.asarray(result.pred_instances.keypoints, dtype=np.float64)[0, :, :2]
    truth = np.asarray(result.gt_instances.keypoints, dtype=np.float64)[0, :, :2]
    errors = np.linalg.norm(found - truth, axis=1)
    errors[~person.labelled] = np.nan
    oks = np.full(len(errors), np.nan)
    if sigmas is not None and len(sigmas) == len(errors):
        area = read_area(_get_annotation(info))
        oks = measure_oks(errors, np.asarray(sigmas, dtype=np.float64), area)
    scale = np.asarray(info['input_scale'], dtype=np.float64)
    corner = np.asarray(info['input_center'], dtype=np.float64) - 0.5 * scale
    in_crop = (found - corner) / scale * np.asarray(info['input_size'])
    maps = np.asarray(result.pred_fields.heatmaps.cpu(), dtype=np.float32)
    if len(maps) == 3 * len(errors):
        maps = maps[::3]
    return Prediction(maps, in_crop, errors, oks)


def _get_annotation(info: dict[str, Any]) -> dict[str, Any]:
    raw = info.get('raw_ann_info') or {}
    return raw[0] if isinstance(raw, list) else raw
