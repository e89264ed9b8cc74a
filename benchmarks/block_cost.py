"""Cost of the Gaussian Mixture Block: ratios against the model without it.

    python benchmarks/block_cost.py [--rounds 12] [--out benchmarks/block_cost.md]

Simple Baseline, ResNet-50, 256x192, from the shipped configs. All models live in one
process; each round runs every model once, in changing order, and gives one ratio per
model to the baseline of the same round. The table has medians over rounds. A second copy
of the baseline shows the noise. Times are CPU time of one thread (no other program's
work is counted) or, with `--device cuda`, wall time between synchronisations.
Training: `train_step` with Adam on random images. Inference: network only, no flip test.
"""

import argparse
import os
import random
import statistics
import time
from pathlib import Path

os.environ.setdefault('OMP_NUM_THREADS', '1')

import torch
from mmengine.config import Config
from mmengine.optim import OptimWrapper
from mmengine.registry import init_default_scope
from mmengine.structures import InstanceData, PixelData
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

import gm_pose  # noqa: F401  before mmpose

CONFIGS = Path(__file__).parents[1] / 'configs'
MODELS = {
    'Simple Baseline': 'set2_res50_coco.py',
    'the same again (noise)': 'set2_res50_coco.py',
    'GaussianMixtureBlock': 'gm_set2_res50_coco.py',
    'GaussianMixtureHead': 'gm_ablations/gm_after_deconvs_set2_res50_coco.py',
}
BASELINE = next(iter(MODELS))
LIMITS = ('limit', 1.04, 1.02, 1.05, 1.03)


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


def measure_ratios(run_once: dict, rounds: int, device: str) -> dict[str, float]:
    """Median over rounds of each callable's time over the baseline's."""

    def measure(function) -> float:
        if device == 'cpu':
            start = time.process_time()
            function()
            return time.process_time() - start
        torch.cuda.synchronize()
        start = time.perf_counter()
        function()
        torch.cuda.synchronize()
        return time.perf_counter() - start

    ratios: dict[str, list[float]] = {name: [] for name in run_once}
    order, shuffler = list(run_once), random.Random(0)
    for round_index in range(rounds + 1):
        shuffler.shuffle(order)
        seconds = {name: measure(run_once[name]) for name in order}
        if round_index:  # the first round warms up
            for name in order:
                ratios[name].append(seconds[name] / seconds[BASELINE])
    return {name: statistics.median(values) for name, values in ratios.items()}


def measure_costs(device: str, rounds: int, batch_size: int) -> list[tuple]:
    """Rows (model, parameters, FLOPs, training, inference), ratios to the baseline."""
    models = {name: build_model(config).to(device) for name, config in MODELS.items()}
    image = torch.randn(1, 3, 256, 192, device=device)
    parameters, flops = {}, {}
    for name, model in models.items():
        parameters[name] = sum(p.numel() for p in model.parameters())
        with FlopCounterMode(display=False) as counter, torch.no_grad():
            model.eval()(image, None)
        flops[name] = counter.get_total_flops()

    def infer(model: nn.Module) -> None:
        with torch.no_grad():
            model(image, None)

    inference = measure_ratios(
        {name: lambda model=model: infer(model) for name, model in models.items()},
        5 * rounds,
        device,
    )
    batch = make_batch(batch_size)
    wrappers = {
        name: OptimWrapper(torch.optim.Adam(model.train().parameters(), lr=1e-4))
        for name, model in models.items()
    }
    training = measure_ratios(
        {
            name: lambda name=name: models[name].train_step(batch, wrappers[name])
            for name in models
        },
        rounds,
        device,
    )
    return [
        (
            name,
            parameters[name] / parameters[BASELINE],
            flops[name] / flops[BASELINE],
            training[name],
            inference[name],
        )
        for name in models
    ]


def format_table(rows: list[tuple]) -> str:
    """Markdown table; ratios as percent more than the baseline."""
    lines = [
        '| ResNet-50, 256x192 | parameters | FLOPs | training step | inference |',
        '|---|---|---|---|---|',
    ]
    for name, *ratios in [*rows[1:], LIMITS]:
        cells = ' | '.join(f'{100 * (ratio - 1):+.1f} %' for ratio in ratios)
        lines.append(f'| {name} | {cells} |')
    return '\n'.join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('--rounds', type=int, default=12, help='(%(default)s)')
    parser.add_argument('--batch-size', type=int, default=8, help='(%(default)s)')
    parser.add_argument('--device', default='cpu', help='cpu or cuda')
    parser.add_argument('--out', type=Path, help='file for the table')
    args = parser.parse_args()
    torch.set_num_threads(1)
    init_default_scope('mmpose')
    rows = measure_costs(args.device, args.rounds, args.batch_size)
    where = 'one CPU thread' if args.device == 'cpu' else torch.cuda.get_device_name()
    note = (
        f'Against Simple Baseline without the block; {where}, PyTorch '
        f'{torch.__version__}, batch {args.batch_size} (training) and 1 (inference), '
        f'medians of {args.rounds} and {5 * args.rounds} paired ratios.'
    )
    text = f'{note}\n\n{format_table(rows)}\n'
    print(text)
    if args.out is not None:
        args.out.write_text(text)


if __name__ == '__main__':
    main()
