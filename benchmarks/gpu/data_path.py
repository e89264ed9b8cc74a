"""From a batch in memory to normalised images and targets on the device."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from mmengine.registry import init_default_scope
from mmengine.structures import InstanceData, PixelData
from mmpose.evaluation.functional import pose_pck_accuracy
from mmpose.registry import MODELS
from mmpose.structures import PoseDataSample

from benchmarks.gpu.rows import Bench

_NORMALIZE = dict(
    mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375], bgr_to_rgb=True
)
_CODEC = dict(
    type='JointAdaptiveMSRAHeatmap',
    input_size=(192, 256),
    heatmap_size=(48, 64),
    sigmas='set2',
)


def run(job: str, bench: Bench) -> None:
    init_default_scope('mmpose')
    for batch in (4,) if bench.rehearse else (64, 256):
        _measure_copies(bench, batch)
        _measure_preprocessors(bench, batch)
        _measure_accuracy(bench, batch)


def _measure_copies(bench: Bench, batch: int) -> None:
    pixels = torch.randint(256, (batch, 256, 192, 3), dtype=torch.uint8)
    bench.measure('bytes, pageable', lambda: pixels.to(bench.device), batch)
    if bench.device == 'cuda':
        pinned = pixels.pin_memory()
        bench.measure(
            'bytes, pinned', lambda: pinned.to('cuda', non_blocking=True), batch
        )


def _measure_preprocessors(bench: Bench, batch: int) -> None:
    """MMPose's preprocessor on its list of samples, ours on one batch, targets included."""
    stock = MODELS.build(dict(type='PoseDataPreprocessor', **_NORMALIZE))
    stock = stock.to(bench.device)
    samples = []
    for _ in range(batch):
        sample = PoseDataSample()
        sample.gt_fields = PixelData(heatmaps=torch.rand(17, 64, 48))
        sample.gt_instance_labels = InstanceData(keypoint_weights=torch.ones(1, 17))
        samples.append(sample)
    images = torch.randint(256, (batch, 3, 256, 192), dtype=torch.uint8)
    data = dict(inputs=list(images), data_samples=samples)

    def preprocess() -> Any:
        out = stock(dict(data), True)
        # as `HeatmapHead.loss` does with the samples
        torch.stack([s.gt_fields.heatmaps for s in out['data_samples']])
        torch.cat([s.gt_instance_labels.keypoint_weights for s in out['data_samples']])

    bench.measure('preprocess, stock, a copy a sample', preprocess, batch)
    fast = MODELS.get('FastPoseDataPreprocessor')
    if fast is None:
        bench.write('preprocess, fast, one copy', failed='not in this version')
        return
    ours = fast(encoder=_CODEC, **_NORMALIZE).to(bench.device)
    rng = np.random.default_rng(0)
    places = rng.uniform(0, (192, 256), (batch, 17, 2)).astype(np.float32)
    fields = dict(
        keypoints_px=torch.from_numpy(places),
        visible=torch.ones(batch, 17),
        sample_indices=torch.arange(batch),
        skipped_images=[],
    )
    pixels = images.permute(0, 2, 3, 1).contiguous()
    if bench.device == 'cuda':
        pixels = pixels.pin_memory()
        fields = {
            key: value.pin_memory() if isinstance(value, torch.Tensor) else value
            for key, value in fields.items()
        }

    def preprocess_fast() -> Any:
        out = ours(dict(inputs=pixels, data_samples=dict(fields)), True)
        torch.stack([s.gt_fields.heatmaps for s in out['data_samples']])
        torch.cat([s.gt_instance_labels.keypoint_weights for s in out['data_samples']])

    bench.measure(
        'preprocess, fast, one copy, targets drawn there', preprocess_fast, batch
    )


def _measure_accuracy(bench: Bench, batch: int) -> None:
    """`acc_pose`: MMPose copies both maps to the host and waits."""
    found, expected = (
        torch.rand(batch, 17, 64, 48, device=bench.device) for _ in range(2)
    )
    mask = np.ones((batch, 17), bool)

    def copy() -> None:
        found.cpu(), expected.cpu()

    def compute() -> None:
        pose_pck_accuracy(found.cpu().numpy(), expected.cpu().numpy(), mask)

    calls: dict[str, Callable[[], Any]] = {
        'acc_pose, its two copies': copy,
        'acc_pose, stock': compute,
        'finite loss, read with a wait': lambda: bool(
            torch.isfinite(found[0, 0, 0, 0])
        ),
    }
    for name, call in calls.items():
        bench.measure(name, call, batch)
