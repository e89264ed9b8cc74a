"""Cost of the Gaussian Mixture Block: ratios against the same model without it.

    python benchmarks/block_cost.py [--rounds 12] [--out benchmarks/block_cost.md]

Simple Baseline, ResNet-50, 256x192, from the shipped configs. The baseline is the very
model with its block bypassed: two models of the same size differ by up to 5 % on where
their weights lie in memory. Each round runs every model with and twice without its block,
in changing order; the table has medians over rounds of the ratios within a round, and
"noise" those of the two runs without. Times are CPU time of one thread (no other
program's work is counted) or, with `--device cuda`, wall time between synchronisations.
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
BASELINE_CONFIG = 'set2_res50_coco.py'
MODELS = {
    'GaussianMixtureBlock': 'gm_set2_res50_coco.py',
    'GaussianMixtureHead': 'gm_ablations/gm_after_deconvs_set2_res50_coco.py',
}
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


def measure_ratios(switches: dict, run, rounds: int, device: str) -> dict:
    """Medians over rounds by model: (with / without, without / without again)."""

    def measure(model: nn.Module) -> float:
        if device == 'cpu':
            start = time.process_time()
            run(model)
            return time.process_time() - start
        torch.cuda.synchronize()
        start = time.perf_counter()
        run(model)
        torch.cuda.synchronize()
        return time.perf_counter() - start

    ratios: dict[str, list[tuple[float, float]]] = {name: [] for name in switches}
    shuffler = random.Random(0)
    for round_index in range(rounds + 1):
        for name, switch in switches.items():
            order = ['with', 'without', 'again']
            shuffler.shuffle(order)
            seconds = {key: measure(switch.turn(key == 'with')) for key in order}
            if round_index:  # the first round warms up
                base = seconds['without']
                ratios[name].append((seconds['with'] / base, seconds['again'] / base))
    return {
        name: tuple(map(statistics.median, zip(*pairs, strict=True)))
        for name, pairs in ratios.items()
    }


def measure_costs(device: str, rounds: int, batch_size: int) -> list[tuple]:
    """Rows (model, parameters, FLOPs, training, inference), ratios to the baseline."""
    baseline = count_parameters(build_model(BASELINE_CONFIG))
    models = {name: build_model(config).to(device) for name, config in MODELS.items()}
    parameters = {name: count_parameters(model) for name, model in models.items()}
    switches = {name: Switch(model) for name, model in models.items()}
    image = torch.randn(1, 3, 256, 192, device=device)

    def infer(model: nn.Module) -> None:
        with torch.no_grad():
            model(image, None)

    flops = {}
    for name, switch in switches.items():
        switch.model.eval()
        counts = []
        for on in (True, False):
            with FlopCounterMode(display=False) as counter:
                infer(switch.turn(on))
            counts.append(counter.get_total_flops())
        flops[name] = counts[0] / counts[1]
    inference = measure_ratios(switches, infer, 5 * rounds, device)

    batch = make_batch(batch_size)
    wrappers = {}
    for switch in switches.values():
        model = switch.turn(True).train()
        wrappers[model] = OptimWrapper(torch.optim.Adam(model.parameters(), lr=1e-4))
        model.train_step(batch, wrappers[model])  # Adam's state, for all parameters
    training = measure_ratios(
        switches, lambda model: model.train_step(batch, wrappers[model]), rounds, device
    )
    rows = [
        (
            name,
            parameters[name] / baseline,
            flops[name],
            training[name][0],
            inference[name][0],
        )
        for name in models
    ]
    noise = [
        max(abs(r[1] - 1) for r in part.values()) for part in (training, inference)
    ]
    return [*rows, ('noise of these times, +-', 1.0, 1.0, 1 + noise[0], 1 + noise[1])]


def count_parameters(model: nn.Module) -> int:
    return sum(parameter.numel() for parameter in model.parameters())


def format_table(rows: list[tuple]) -> str:
    """Markdown table; ratios as percent more than the baseline."""
    lines = [
        '| ResNet-50, 256x192 | parameters | FLOPs | training step | inference |',
        '|---|---|---|---|---|',
    ]
    for name, *ratios in [*rows, LIMITS]:
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
        f'Against the same model without the block; {where}, PyTorch '
        f'{torch.__version__}, batch {args.batch_size} (training) and 1 (inference), '
        f'medians of {args.rounds} and {5 * args.rounds} paired ratios.'
    )
    text = f'{note}\n\n{format_table(rows)}\n'
    print(text)
    if args.out is not None:
        args.out.write_text(text)


if __name__ == '__main__':
    main()
