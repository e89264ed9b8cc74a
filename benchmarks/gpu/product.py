"""The project's own parts: Gaussian Mixture Block, targets and decoding on the device."""

import time
from pathlib import Path

import numpy as np
import torch
from torch import nn

from benchmarks.gpu.network import CONFIG, build_network
from benchmarks.gpu.rows import Bench
from gm_pose.codecs import JointAdaptiveMSRAHeatmap
from gm_pose.models.necks import GaussianMixtureBlock

_BLOCK_CONFIG = 'gm_set2_res50_coco.py'
_CODECS = {
    'centered': dict(),
    'unbiased': dict(unbiased=True),
}


def run(job: str, bench: Bench) -> None:
    batches = (2,) if bench.rehearse else (64, 256)
    for name, options in _CODECS.items():
        for batch in batches:
            _measure_codec(bench, name, options, batch)
    for dtype in (None, torch.bfloat16):
        for batch in batches:
            _measure_block(bench, dtype, batch)
    for dtype in (None, torch.bfloat16):
        _measure_network(bench, CONFIG.with_name(_BLOCK_CONFIG), dtype, batches[0])
        _measure_network(bench, CONFIG, dtype, batches[0])


def _measure_codec(bench: Bench, name: str, options: dict, batch: int) -> None:
    """Encoding on the device against one core's `encode`; decoding with its copy back."""
    codec = JointAdaptiveMSRAHeatmap((192, 256), (48, 64), 'set2', **options)
    rng = np.random.default_rng(0)
    keypoints = rng.uniform(0, (192, 256), (batch, 17, 2)).astype(np.float32)
    visible = (rng.random((batch, 17)) > 0.3).astype(np.float32)
    begin = time.thread_time()
    expected = [
        codec.encode(keypoints[i : i + 1], visible[i : i + 1])['heatmaps']
        for i in range(batch)
    ]
    cpu_ms = 1e3 * (time.thread_time() - begin)
    places, seen = (torch.from_numpy(a).to(bench.device) for a in (keypoints, visible))
    heatmaps = torch.from_numpy(np.stack(expected)).to(bench.device)
    if hasattr(codec, 'encode_batch'):
        found, _ = codec.encode_batch(places, seen)
        bench.measure(
            f'encode, {name}',
            lambda: codec.encode_batch(places, seen),
            batch,
            one_core_ms=cpu_ms,
            largest_difference=float((found - heatmaps).abs().max()),
        )
        joints, labels = torch.from_numpy(keypoints), torch.from_numpy(visible)
        device = torch.device(bench.device)
        bench.measure(
            f'encode, {name}, joints on the CPU',
            lambda: codec.encode_batch(joints, labels, device),
            batch,
        )
    maps = heatmaps + 0.01 * torch.rand_like(heatmaps)
    kept = maps.cpu().numpy()
    begin = time.thread_time()
    there = codec.batch_decode(torch.from_numpy(kept))[0]
    cpu_ms = 1e3 * (time.thread_time() - begin)
    here = codec.batch_decode(maps)[0]
    difference = max(abs(a - b).max() for a, b in zip(there, here, strict=True))
    bench.measure(
        f'decode, {name}',
        lambda: codec.batch_decode(maps),
        batch,
        one_core_ms=cpu_ms,
        largest_difference=float(difference),
    )


def _measure_block(bench: Bench, dtype: torch.dtype | None, batch: int) -> None:
    """The block alone, forward and backward, on ResNet-50's last map (2048, 8, 6)."""
    torch.manual_seed(0)
    channels = 64 if bench.rehearse else 2048
    block = GaussianMixtureBlock(channels)
    block.init_weights()
    nn.init.normal_(block.expand_norm.weight, std=0.1)
    block = block.to(bench.device).to(memory_format=torch.channels_last).train()
    features = torch.randn(batch, channels, 8, 6, device=bench.device)
    features = features.to(memory_format=torch.channels_last).requires_grad_()

    def step() -> None:
        block.zero_grad(set_to_none=True)
        with torch.autocast(bench.device, dtype, enabled=dtype is not None):
            value = block((features,))[-1].float().square().mean()
        value.backward()

    bench.measure('block, forward and backward', step, batch, dtype=_name(dtype))


def _measure_network(
    bench: Bench, config: Path, dtype: torch.dtype | None, batch: int
) -> None:
    """The whole network, forward and backward, with and without the block."""
    torch.manual_seed(0)
    model = build_network(config, bench.rehearse).to(bench.device)
    model = model.to(memory_format=torch.channels_last).train()
    size = (64, 64) if bench.rehearse else (256, 192)
    images = torch.randn(batch, 3, *size, device=bench.device)
    images = images.to(memory_format=torch.channels_last)

    def step() -> None:
        model.zero_grad(set_to_none=True)
        with torch.autocast(bench.device, dtype, enabled=dtype is not None):
            value = model(images).float().square().mean()
        value.backward()

    bench.measure(
        f'network of {config.name}, forward and backward',
        step,
        batch,
        dtype=_name(dtype),
    )


def _name(dtype: torch.dtype | None) -> str:
    return str(dtype or torch.float32).removeprefix('torch.')
