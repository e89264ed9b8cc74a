"""Cost of the Gaussian Mixture Block: ratios against the same model without it.

    python benchmarks/block_cost.py [--pairs 24] [--out benchmarks/block_cost.md]

Simple Baseline, ResNet-50, 256x192, from the shipped configs. The baseline is the very
model with its block bypassed: two models of the same size differ by up to 5 % on where
their weights lie in memory. A pair is one run with and one without the block, back to
back, every other pair in the other order, so that what changes slowly (clock, other
programs, memory) hits both alike. The table has the median of the pairs' ratios and a
95 % bootstrap interval of that median. Times are CPU time of one thread (no other
program's work is counted) with freed memory kept for the next allocation, or, with
`--device cuda`, wall time between synchronisations.
Training: `train_step` with Adam on random images. Inference: network only, no flip test.
"""

import argparse
import ctypes
import os
import time
from pathlib import Path
from typing import NamedTuple

os.environ.setdefault('OMP_NUM_THREADS', '1')

import numpy as np
import torch
from mmengine.config import Config
from mmengine.optim import OptimWrapper
from mmengine.registry import init_default_scope
from mmengine.structures import InstanceData, PixelData
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

import gm_pose  # noqa: F401  before mmpose

CONFIGS = Path(__file__).parents[1] / 'configs'
BASELINE_CONFIG = 'set2_res50_coco.py'
MODELS = {
    'GaussianMixtureBlock': 'gm_set2_res50_coco.py',
    'GaussianMixtureHead': 'gm_ablations/gm_after_deconvs_set2_res50_coco.py',
}
INFERENCES = 4  # pairs of inferences for each pair of training steps
M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4  # parameters of mallopt, from malloc.h
# Parameters, FLOPs, training step, inference.
LIMITS = (1.04, 1.02, 1.05, 1.03)


def build_model(config: str) -> nn.Module:
    """A config's model without pretrained weights, mixtures away from their start."""
    from mmpose.registry import MODELS as REGISTRY

    cfg = Config.fromfile(CONFIGS / config).model
    cfg.backbone.init_cfg = None
    torch.manual_seed(0)
    model = REGISTRY.build(cfg)
    if model.with_neck:
        nn.init.normal_(model.neck.expand_norm.weight, std=0.1)
    if hasattr(model.head, 'mixture_scale'):
        nn.init.normal_(model.head.mixture_scale, std=0.1)
    return model


class Ratio(NamedTuple):
    """With to without the block, and its 95 % interval where it was measured."""

    value: float
    low: float | None = None
    high: float | None = None

    def __str__(self) -> str:
        """Percent more than without, e.g. ``+2.2 % (1.9 to 2.4)``."""
        text = f'{100 * (self.value - 1):+.1f} %'
        if self.low is None or self.high is None:
            return text
        return f'{text} ({100 * (self.low - 1):.1f} to {100 * (self.high - 1):.1f})'


class Switch:
    """Runs a model with its block, or with the block bypassed."""

    def __init__(self, model: nn.Module):
        self.model = model
        self.neck = model.neck if model.with_neck else None

    def turn(self, on: bool) -> nn.Module:
        from mmpose.models.heads import HeatmapHead

        if self.neck is not None:
            self.model.neck = self.neck if on else None
            return self.model
        head = self.model.head
        plain = HeatmapHead.forward if not on else type(head).forward
        head.forward = plain.__get__(head)
        return self.model


def make_batch(size: int) -> dict:
    """Random images (3, 256, 192) uint8 with random target heatmaps (17, 64, 48)."""
    from mmpose.structures import PoseDataSample

    generator = torch.Generator().manual_seed(0)
    samples = []
    for _ in range(size):
        sample = PoseDataSample()
        heatmaps = torch.rand(17, 64, 48, generator=generator)
        sample.gt_fields = PixelData(heatmaps=heatmaps)
        sample.gt_instance_labels = InstanceData(keypoint_weights=torch.ones(1, 17))
        samples.append(sample)
    images = torch.randint(256, (size, 3, 256, 192), generator=generator)
    return dict(inputs=list(images.byte()), data_samples=samples)


def keep_freed_memory() -> None:
    """Let glibc reuse freed memory instead of returning it; elsewhere nothing.

    A training step otherwise asks the system anew for its large tensors: 40 to 120
    thousand page faults, up to a fifth of the step and another number each time.
    """
    mallopt = getattr(ctypes.CDLL(None), 'mallopt', None)
    if mallopt is not None:
        mallopt(M_MMAP_MAX, 0)
        mallopt(M_TRIM_THRESHOLD, 2**31 - 1)


def measure_seconds(run, model: nn.Module, device: str) -> float:
    """Seconds that `run(model)` takes: CPU time, or wall time on a GPU."""
    if device == 'cpu':
        start = time.process_time()
        run(model)
        return time.process_time() - start
    torch.cuda.synchronize()
    start = time.perf_counter()
    run(model)
    torch.cuda.synchronize()
    return time.perf_counter() - start


def measure_pairs(switches: dict, run, pairs: int, device: str) -> dict[str, Ratio]:
    """Model -> its `Ratio` with to without, from `pairs` pairs after a warm-up pair."""
    ratios: dict[str, list[float]] = {name: [] for name in switches}
    for index in range(pairs + 1):
        for name, switch in switches.items():
            seconds = {}
            for on in (True, False) if index % 2 else (False, True):
                seconds[on] = measure_seconds(run, switch.turn(on), device)
            if index:
                ratios[name].append(seconds[True] / seconds[False])
    return {name: summarize_ratios(values) for name, values in ratios.items()}


def summarize_ratios(ratios: list[float], resamples: int = 10_000) -> Ratio:
    """Ratios of pairs -> their median with the percentile bootstrap's 95 % interval."""
    values = np.asarray(ratios)
    drawn = np.random.default_rng(0).integers(
        len(values), size=(resamples, len(values))
    )
    low, high = np.percentile(np.median(values[drawn], axis=1), [2.5, 97.5])
    return Ratio(float(np.median(values)), float(low), float(high))


def measure_costs(device: str, pairs: int, batch_size: int) -> dict[str, list[Ratio]]:
    """Model -> ratios of parameters, FLOPs, training and inference to the baseline."""
    baseline = count_parameters(build_model(BASELINE_CONFIG))
    switches = {
        name: Switch(build_model(config).to(device)) for name, config in MODELS.items()
    }
    image = torch.randn(1, 3, 256, 192, device=device)

    def infer(model: nn.Module) -> None:
        with torch.no_grad():
            model(image, None)

    for switch in switches.values():
        switch.model.eval()
    flops = {name: compare_flops(switch, image) for name, switch in switches.items()}
    inference = measure_pairs(switches, infer, INFERENCES * pairs, device)

    batch = make_batch(batch_size)
    wrappers = {}
    for switch in switches.values():
        model = switch.turn(True).train()
        wrappers[model] = OptimWrapper(torch.optim.Adam(model.parameters(), lr=1e-4))
        model.train_step(batch, wrappers[model])  # Adam's state, for all parameters
    training = measure_pairs(
        switches, lambda model: model.train_step(batch, wrappers[model]), pairs, device
    )
    return {
        name: [
            Ratio(count_parameters(switch.turn(True)) / baseline),
            Ratio(flops[name]),
            training[name],
            inference[name],
        ]
        for name, switch in switches.items()
    }


def compare_flops(switch: Switch, image: torch.Tensor) -> float:
    """FLOPs of one inference with the block to those without."""
    counts = []
    for on in (True, False):
        with torch.no_grad(), FlopCounterMode(display=False) as counter:
            switch.turn(on)(image, None)
        counts.append(counter.get_total_flops())
    return counts[0] / counts[1]


def count_parameters(model: nn.Module) -> int:
    return sum(parameter.numel() for parameter in model.parameters())


def format_table(rows: dict[str, list[Ratio]]) -> str:
    """Markdown table; ratios as percent more than the baseline."""
    lines = [
        '| ResNet-50, 256x192 | parameters | FLOPs | training step | inference |',
        '|---|---|---|---|---|',
    ]
    for name, ratios in (rows | {'limit': list(map(Ratio, LIMITS))}).items():
        lines.append(f'| {name} | {" | ".join(map(str, ratios))} |')
    return '\n'.join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        '--pairs', type=int, default=24, help='training steps each way (%(default)s)'
    )
    parser.add_argument('--batch-size', type=int, default=4, help='(%(default)s)')
    parser.add_argument('--device', default='cpu', help='cpu or cuda')
    parser.add_argument('--out', type=Path, help='file for the table')
    args = parser.parse_args()
    torch.set_num_threads(1)
    keep_freed_memory()
    init_default_scope('mmpose')
    rows = measure_costs(args.device, args.pairs, args.batch_size)
    where = 'one CPU thread' if args.device == 'cpu' else torch.cuda.get_device_name()
    note = (
        f'Against the same model without the block; {where}, PyTorch '
        f'{torch.__version__}, batch {args.batch_size} (training) and 1 (inference), '
        f'medians of {args.pairs} and {INFERENCES * args.pairs} paired ratios; in '
        'brackets their 95 % bootstrap intervals.'
    )
    text = f'{note}\n\n{format_table(rows)}\n'
    print(text)
    if args.out is not None:
        args.out.write_text(text)


if __name__ == '__main__':
    main()
