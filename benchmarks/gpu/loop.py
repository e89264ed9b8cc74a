"""People a second through MMEngine's Runner, data loading included."""

import contextlib
import os
import shutil
import time
from pathlib import Path
from typing import Any

import torch
from mmengine.hooks import Hook
from mmengine.runner import Runner

from benchmarks.gpu.configs import finish_config, load_config
from benchmarks.gpu.photographs import make_photographs
from benchmarks.gpu.plan import ARMS, Arm
from benchmarks.gpu.rows import Bench
from gm_pose.runs.launch.loader_workers import end_workers

_PREFETCH = 2  # batches a worker has ready
_SECONDS = 14.0  # of measuring, at most


class MeasuredEnough(Exception):
    """The Runner is left from inside its loop; nothing of the run is kept."""


class RateHook(Hook):
    """Counts iterations and their wall time once the prefetched batches are used up."""

    priority = 'VERY_HIGH'

    def __init__(self, bench: Bench, warm: int) -> None:
        self.bench, self.warm = bench, warm
        self.begin = self.cpu = self.seconds = 0.0
        self.iterations = 0

    def before_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: Any = None
    ) -> None:
        done, last = runner.iter, len(runner.train_dataloader) - 1
        if done == self.warm:
            self.bench.wait()
            self.bench.reset_peak()
            self.begin, self.cpu = time.perf_counter(), time.process_time()
            return
        if not self.begin:
            return
        seconds = time.perf_counter() - self.begin
        limit = min(_SECONDS, self.bench.seconds_left - 8)
        if seconds > limit or done >= last:
            self.bench.wait()
            self.seconds = time.perf_counter() - self.begin
            self.cpu = time.process_time() - self.cpu
            self.iterations = done - self.warm
            raise MeasuredEnough


def run(job: str, bench: Bench) -> None:
    folder = bench.scratch / 'photographs'
    if job == 'photographs':
        size = (12, 160) if bench.rehearse else (500, 19_200)
        cores = len(os.sched_getaffinity(0))
        begin = time.perf_counter()
        _, mean = make_photographs(folder, *size, processes=cores)
        bench.write(
            'photographs',
            files=size[0],
            people=size[1],
            mean_kb=mean,
            seconds=time.perf_counter() - begin,
        )
        return
    if job == 'stores':
        _build_stores(bench, folder / 'people.json')
        return
    _measure_arm(job, ARMS[job], bench, folder / 'people.json')


def _measure_arm(name: str, arm: Arm, bench: Bench, annotations: Path) -> None:
    batch, workers = (8, 1) if bench.rehearse else (arm.batch, arm.workers)
    cfg = load_config(arm.lane, annotations, bench.rehearse)
    cfg.work_dir = str(
        bench.scratch / 'work' / name.replace(', ', '-').replace(' ', '')
    )
    cfg.train_dataloader.update(
        batch_size=batch, num_workers=workers, persistent_workers=True
    )
    settings = dict(
        images=arm.images,
        compile=arm.compile,
        cuda_graphs=arm.graphs,
        workers=workers,
        cache_dir=str(bench.scratch / 'cache'),
    )
    finish_config(cfg, arm.lane, **settings)
    begin = time.perf_counter()
    runner = Runner.from_cfg(cfg)
    hook = RateHook(bench, 3 if bench.rehearse else workers * _PREFETCH + 10)
    runner.register_hook(hook)
    with contextlib.suppress(MeasuredEnough):
        runner.train()
    bench.write(
        name,
        batch=batch,
        workers=workers,
        people_per_s=batch * hook.iterations / hook.seconds,
        ms=1e3 * hook.seconds / hook.iterations,
        data_ms=1e3 * _read_mean(runner, 'train/data_time', hook.iterations),
        cpu_ms=1e3 * hook.cpu / hook.iterations,
        peak_gb=bench.read_peak_gb(),
        iterations=hook.iterations,
        start_s=hook.begin - begin,
    )
    if arm.profile:
        _profile(runner, bench, name)
    end_workers(runner)
    shutil.rmtree(cfg.work_dir, ignore_errors=True)


def _build_stores(bench: Bench, annotations: Path) -> None:
    """Both stores of the fast lane, before anything is measured with them."""
    from gm_pose.fast_lane.config.recipe import read_recipe
    from gm_pose.fast_lane.images.store_builder import build_store
    from gm_pose.fast_lane.people.people_arrays import load_people

    dataset = load_config('fast', annotations, bench.rehearse).train_dataloader.dataset
    cache, recipe = str(bench.scratch / 'cache'), read_recipe(dataset)
    begin = time.perf_counter()
    people = load_people(dataset, cache)
    bench.write('people packed into arrays', seconds=time.perf_counter() - begin)
    for kind in ('crops', 'images'):
        begin = time.perf_counter()
        folder = build_store(
            people, kind, recipe, cache, workers=len(os.sched_getaffinity(0))
        )
        size = sum(path.stat().st_size for path in folder.rglob('*') if path.is_file())
        bench.write(
            f'store of {kind}', gb=size / 1e9, seconds=time.perf_counter() - begin
        )


def _read_mean(runner: Runner, name: str, last: int) -> float:
    """Mean of the last values of a scalar in MMEngine's message hub."""
    values, _ = runner.message_hub.get_scalar(name).data
    return float(values[-last:].mean())


def _profile(runner: Runner, bench: Bench, name: str, iterations: int = 8) -> None:
    """Kernels and CPU operators of a few iterations, as a text file and two numbers."""
    loader = iter(runner.train_dataloader)
    model, wrapper = runner.model, runner.optim_wrapper

    def iterate(count: int) -> None:
        for _ in range(count):
            model.train_step(next(loader), optim_wrapper=wrapper)
        bench.wait()

    iterate(2)
    activities = [torch.profiler.ProfilerActivity.CPU]
    if bench.device == 'cuda':
        activities.append(torch.profiler.ProfilerActivity.CUDA)
    with torch.profiler.profile(activities=activities) as profiler:
        begin = time.perf_counter()
        iterate(iterations)
        seconds = time.perf_counter() - begin
    averages = profiler.key_averages()
    on_device = bench.device == 'cuda'
    key = 'self_device_time_total' if on_device else 'self_cpu_time_total'
    busy = sum(
        entry.self_device_time_total
        for entry in averages
        if entry.device_type == torch.autograd.DeviceType.CUDA
        and not entry.is_user_annotation
    )
    path = bench.folder / f'profile {name}.txt'
    path.write_text(averages.table(sort_by=key, row_limit=40, max_name_column_width=70))
    bench.write(
        f'{name}, profiled',
        ms=1e3 * seconds / iterations,
        kernels_ms=busy / 1e3 / iterations if on_device else None,
        iterations=iterations,
    )
