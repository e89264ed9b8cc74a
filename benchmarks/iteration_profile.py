"""Where the time of one training iteration with `--fast` goes, on the CPU.

    python benchmarks/iteration_profile.py FOLDER --out benchmarks/iteration_profile.md

FOLDER has COCO's layout, as for `pipeline_speed.py`. MMEngine's Runner trains MMPose's
Simple Baseline recipe at batch 64 with one worker. The network is a narrow ResNet-18 (a
quarter of the channels), so that a CPU can run it: its rows only show what is *not* there
to be saved. CPU time of one thread, means over iterations; each row is without the rows
below it that it calls.
"""

import argparse
import copy
import os
import platform
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault('OMP_NUM_THREADS', '1')

import cv2
import numpy as np
import torch
from mmengine.hooks import Hook
from mmengine.registry import HOOKS, init_default_scope
from mmengine.runner import Runner
from pipeline_speed import BATCH, make_config
from torch.utils.data.dataloader import _BaseDataLoaderIter

from gm_pose.fast_lane.loading import training_crops
from gm_pose.fast_lane.loading.training_crops import TrainingCrops

WARM = 4  # iterations, in which memory is mapped for the first time


class Clock:
    """CPU time by label, a call's own part only."""

    def __init__(self) -> None:
        self.spent: dict[str, float] = defaultdict(float)
        self._inner = [0.0]

    def wrap(self, function: Callable, label: str | Callable[..., str]) -> Callable:
        def timed(*args: Any, **kwargs: Any) -> Any:
            self._inner.append(0.0)
            start = time.thread_time()
            try:
                return function(*args, **kwargs)
            finally:
                whole = time.thread_time() - start
                name = label if isinstance(label, str) else label(*args, **kwargs)
                self.spent[name] += whole - self._inner.pop()
                self._inner[-1] += whole

        return timed


class Turns:
    """Times of each turn -> means."""

    def __init__(self) -> None:
        self.turns: list[dict[str, float]] = []

    def end(self, clock: Clock, whole: float) -> None:
        self.turns.append({**clock.spent, 'whole': whole})
        clock.spent.clear()

    def get_means(self) -> dict[str, float]:
        """Label -> ms."""
        kept = self.turns[WARM:]
        names = dict.fromkeys(name for turn in kept for name in turn)
        return {
            name: 1e3 * float(np.mean([turn.get(name, 0.0) for turn in kept]))
            for name in names
        }


@HOOKS.register_module()
class TurnHook(Hook):
    """Tell where an iteration ends."""

    priority = 'VERY_LOW'
    turns, clock = Turns(), Clock()
    began = 0.0

    def before_run(self, runner: Runner) -> None:
        wrap, model = self.clock.wrap, runner.model
        runner.call_hook = wrap(runner.call_hook, 'hooks')
        preprocessor = model.data_preprocessor
        preprocessor.forward = wrap(
            preprocessor.forward, 'pixels normalised, targets drawn'
        )
        model.forward = wrap(model.forward, 'network and loss')
        optimizer = runner.optim_wrapper
        optimizer.update_params = wrap(optimizer.update_params, 'backward, optimizer')

    def before_train_epoch(self, runner: Runner) -> None:
        type(self).began = time.thread_time()

    def after_train_iter(self, runner: Runner, *_: Any, **__: Any) -> None:
        now = time.thread_time()
        self.turns.end(self.clock, now - self.began)
        type(self).began = now


def profile_main_process(root: Path, cache: str, iterations: int) -> dict[str, float]:
    """Parts of an iteration in the process that trains -> ms."""
    cfg = make_config(root, 'original', cache)
    cfg.model.backbone = dict(
        type='ResNet', depth=18, base_channels=16, stem_channels=16
    )
    cfg.model.head.update(in_channels=128, deconv_out_channels=(32, 32, 32))
    cfg.val_cfg = cfg.val_dataloader = cfg.val_evaluator = None
    cfg.test_cfg = cfg.test_dataloader = cfg.test_evaluator = None
    cfg.train_cfg = dict(by_epoch=False, max_iters=iterations + WARM)
    cfg.train_dataloader.update(num_workers=1, persistent_workers=True)
    cfg.train_dataloader.sampler.sampler = dict(type='InfiniteSampler')
    cfg.custom_hooks.append(dict(type='TurnHook'))
    cfg.launcher = 'none'
    runner = Runner.from_cfg(cfg)
    following = _BaseDataLoaderIter.__next__
    _BaseDataLoaderIter.__next__ = TurnHook.clock.wrap(
        following, 'batch from the worker'
    )
    try:
        runner.train()
    finally:
        _BaseDataLoaderIter.__next__ = following
    return TurnHook.turns.get_means()


def profile_worker(root: Path, cache: str, batches: int) -> dict[str, float]:
    """Parts of making a batch, as a worker does -> ms."""
    loader = copy.deepcopy(make_config(root, 'original', cache).train_dataloader)
    loader.update(num_workers=0, batch_size=BATCH, persistent_workers=False)
    loader.sampler.sampler = dict(type='InfiniteSampler')
    built = iter(Runner.build_dataloader(loader, seed=0))
    clock, turns = Clock(), Turns()
    crops = built._dataset._crops
    crops.images.read = clock.wrap(crops.images.read, 'image read and decoded')
    TrainingCrops._augment = clock.wrap(
        TrainingCrops._augment, 'random numbers, boxes, joints, matrices'
    )
    training_crops.warp_crop = clock.wrap(training_crops.warp_crop, 'crop warped')
    for _ in range(batches + WARM):
        start = time.thread_time()
        next(built)
        turns.end(clock, time.thread_time() - start)
    return turns.get_means()


def format_table(title: str, times: dict[str, float]) -> str:
    whole = times['whole']
    parts = {name: ms for name, ms in times.items() if name != 'whole'}
    parts['everything else'] = whole - sum(parts.values())
    lines = [f'| {title} | ms | % |', '|---|---:|---:|']
    for name, ms in sorted(parts.items(), key=lambda part: -part[1]):
        lines.append(f'| {name} | {ms:.2f} | {100 * ms / whole:.1f} |')
    return '\n'.join([*lines, f'| whole | {whole:.1f} | 100 |'])


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('root', type=Path, help="folder in COCO's layout")
    parser.add_argument('--iterations', type=int, default=12)
    parser.add_argument('--out', type=Path, help='Markdown file to write')
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    init_default_scope('mmpose')
    torch.set_num_threads(1)
    cv2.setNumThreads(0)
    with tempfile.TemporaryDirectory() as cache:
        in_main = profile_main_process(args.root, cache, args.iterations)
        in_worker = profile_worker(args.root, cache, args.iterations)
    text = '\n\n'.join(
        [
            '# Where one training iteration goes',
            f'`python benchmarks/iteration_profile.py {args.root.name}` on '
            f'{platform.machine()}, Python {platform.python_version()}, torch '
            f'{torch.__version__}; CPU time of one thread, means of {args.iterations} '
            f'iterations, batches of {BATCH}; a narrow ResNet-18.',
            format_table('main process', in_main),
            format_table('worker, images from their files', in_worker),
        ]
    )
    print(text)
    if args.out is not None:
        args.out.write_text(text + '\n')


if __name__ == '__main__':
    main()
