"""Same accuracy: the study's small network on studio17, stock pipeline and fast lane.

Both lanes train the same config with the same seeds on the GPU, several runs at once,
since the network is small. Evaluation is the study's own for both.
"""

import json
import os
import time
from typing import Any

import pandas as pd
from mmengine.registry import init_default_scope
from mmengine.runner import Runner

import studies  # noqa: F401  registers the network, and prepares the stack
from benchmarks.gpu.children import run_together
from benchmarks.gpu.configs import finish_config
from benchmarks.gpu.rows import Bench
from gm_pose.runs.launch.loader_workers import end_workers
from studies.analysis.intervals import compare_paired, compute_interval
from studies.training.build_config import add_paths, build_config
from studies.training.datasets import DATASETS, prepare_splits
from studies.training.evaluate_model import evaluate_model
from studies.variants.catalog import VARIANTS

_VARIANT = 'subcell-oks2.5-balanced-jw'
_LANES = ('stock', 'fast')
_AT_ONCE = 10
_TESTS = {'plain': 'no flip test', 'flip': 'flip test'}


def run(job: str, bench: Bench) -> None:
    if bench.data is None:
        raise ValueError('accuracy trains on photographs: --data FOLDER of studio17/')
    parts = job.split('/')
    if len(parts) == 3:
        _train(parts[1], int(parts[2]), bench)
        return
    prepare_splits(DATASETS['studio17'], bench.data, bench.scratch / 'accuracy')
    runs = [f'{job}/{lane}/{seed}' for seed in range(bench.seeds) for lane in _LANES]
    # what is there when the time is over counts: rows are written after every pair
    at_once = 1 if bench.rehearse else _AT_ONCE
    for first in range(0, len(runs), 2 * at_once):
        run_together(bench, runs[first : first + 2 * at_once], at_once)
        _write_rows(bench)


def _train(lane: str, seed: int, bench: Bench) -> None:
    init_default_scope('mmpose')
    dataset, folder = DATASETS['studio17'], bench.scratch / 'accuracy'
    splits = prepare_splits(dataset, bench.data, folder)
    epochs = 1 if bench.rehearse else None
    cfg = build_config(VARIANTS[_VARIANT], dataset, seed, epochs)
    cfg = add_paths(cfg, splits, folder / f'{lane}-{seed}')
    for step in cfg.train_dataloader.dataset.pipeline:
        if (
            step['type'] == 'CachedLoadImage'
        ):  # the study's own, unknown to the fast lane
            step['type'] = 'LoadImage'
    cfg.default_hooks.pop('checkpoint')
    if not bench.rehearse:
        cfg.train_dataloader.update(num_workers=2, persistent_workers=True)
    workers = cfg.train_dataloader.num_workers
    finish_config(cfg, lane, cache_dir=str(folder / 'cache'), workers=workers)
    begin = time.perf_counter()
    runner = Runner.from_cfg(cfg)
    model = runner.train()
    end_workers(runner)
    seconds = time.perf_counter() - begin
    results = evaluate_model(model, cfg, splits['report'])
    values: dict[str, Any] = {test: results[test]['AP'] for test in _TESTS}
    values |= dict(lane=lane, seed=seed, seconds=seconds, epochs=runner.epoch)
    path = folder / f'{lane}-{seed}.json'
    scratch = path.with_suffix(f'.{os.getpid()}')
    scratch.write_text(json.dumps(values))
    scratch.replace(path)


def _write_rows(bench: Bench) -> None:
    """AP by lane and the paired difference, over the seeds that both lanes have."""
    files = (bench.scratch / 'accuracy').glob('*-*.json')
    runs = pd.DataFrame([json.loads(path.read_text()) for path in files])
    if runs.empty:
        raise RuntimeError(
            f'no run of accuracy ended well: see the logs in {bench.folder}'
        )
    both = runs.groupby('seed').filter(lambda group: len(group) == len(_LANES))
    for test, title in _TESTS.items():
        values = {
            lane: both[both.lane == lane].set_index('seed')[test] for lane in _LANES
        }
        if values['stock'].empty:
            continue
        difference = compare_paired(values['fast'], values['stock'])
        for name, interval in (
            *((lane, compute_interval(values[lane])) for lane in _LANES),
            ('fast - stock, same seeds', difference),
        ):
            bench.write(
                f'{name}, {title}',
                ap=round(interval.mean, 3),
                interval_95=interval.half_width,
                seeds=interval.count,
                seconds_a_run=float(both[both.lane == name].seconds.mean())
                if name in _LANES
                else None,
            )
