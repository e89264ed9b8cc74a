"""kill -9 and resume through the Runner: the same weights to the last bit?

Four processes a lane: two that train 20 iterations (do the kernels repeat themselves?),
one that saves after 10 and is killed after 13, and one that resumes it up to 20. The
network has dropout; mixed precision has its loss scaler on the stock lane and is bfloat16
on the fast lane, as `--fast` sets it. 'graphs' is the fast lane with CUDA graphs.
"""

import os

# before CUDA starts: what cuBLAS needs to repeat itself
os.environ.setdefault('CUBLAS_WORKSPACE_CONFIG', ':4096:8')

import hashlib
import json
import signal
from typing import Any

import torch
from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmpose.registry import HOOKS, MODELS
from torch import Tensor, nn

from benchmarks.gpu.children import run_together
from benchmarks.gpu.configs import finish_config, load_config
from benchmarks.gpu.photographs import make_photographs
from benchmarks.gpu.rows import Bench
from gm_pose.runs.launch.loader_workers import end_workers

_ITERATIONS, _SAVE_AFTER, _KILL_AFTER = 20, 10, 13


@MODELS.register_module()
class DropoutNeck(nn.Module):
    """Drops a fifth of the last feature map: every iteration draws on the device."""

    def forward(self, features: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        return (nn.functional.dropout(features[-1], 0.2, self.training),)


@HOOKS.register_module()
class KillHook(Hook):
    """Ends the process as a power cut would."""

    priority = 'VERY_LOW'

    def after_train_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: Any = None,
        outputs: Any = None,
    ) -> None:
        if runner.iter + 1 == _KILL_AFTER:
            os.kill(os.getpid(), signal.SIGKILL)


def run(job: str, bench: Bench) -> None:
    lane, _, part = job.partition('/')
    if part:
        _train(lane, part, bench)
        return
    batch = 4 if bench.rehearse else 16
    annotations, _ = make_photographs(
        bench.scratch / f'resume {lane}', 8, batch * _ITERATIONS, processes=4
    )
    parts = [f'{lane}/{part}' for part in ('first', 'second', 'killed')]
    codes = run_together(bench, parts, len(parts))
    if codes[f'{lane}/killed'] != -signal.SIGKILL:
        raise RuntimeError(f'processes ended with {codes}')
    codes = run_together(bench, [f'{lane}/resumed'], 1)
    folder = annotations.parent
    first, second, resumed = (
        json.loads((folder / f'{part}.json').read_text())
        for part in ('first', 'second', 'resumed')
    )
    bench.write(
        lane,
        precision=first['precision'],
        iterations=_ITERATIONS,
        saved_after=_SAVE_AFTER,
        killed_after=_KILL_AFTER,
        two_runs_equal=first['sha256'] == second['sha256'],
        resumed_equal=first['sha256'] == resumed['sha256'],
        resumed_from=resumed['started_at'],
        loss_scale=first['loss_scale'],
        sha256=first['sha256'][:12],
    )


def _train(lane: str, part: str, bench: Bench) -> None:
    folder = bench.scratch / f'resume {lane}'
    batch = 4 if bench.rehearse else 16
    graphs = lane == 'graphs'
    base = 'fast' if graphs else lane
    cfg = load_config(base, folder / 'people.json', bench.rehearse)
    cfg.work_dir = str(folder / ('killed' if part == 'resumed' else part))
    cfg.model.neck = dict(type='DropoutNeck')
    cfg.train_dataloader.update(batch_size=batch, num_workers=2, drop_last=True)
    cfg.train_cfg.max_epochs = 1
    cfg.randomness = dict(seed=0, deterministic=True)
    cfg.default_hooks.checkpoint = dict(
        type='CheckpointHook', by_epoch=False, interval=_SAVE_AFTER
    )
    cfg.resume = part == 'resumed'
    if lane == 'product' and bench.device == 'cuda':
        cfg.optim_wrapper.update(
            type='AmpOptimWrapper', dtype='float16', loss_scale='dynamic'
        )
    settings = dict(images='original', cache_dir=str(folder / 'cache'))
    finish_config(cfg, base, **settings, cuda_graphs=graphs)
    cfg.train_dataloader.num_workers = 2
    if part == 'killed':
        cfg.custom_hooks.append(dict(type='KillHook'))
    runner = Runner.from_cfg(cfg)
    # some kernels have no version that repeats itself: a warning, and `two_runs_equal`
    torch.use_deterministic_algorithms(True, warn_only=True)
    started = StartHook()
    runner.register_hook(started)
    runner.train()
    end_workers(runner)
    wrapper = runner.optim_wrapper
    scaler = getattr(wrapper, 'loss_scaler', None)
    values = dict(
        sha256=_hash_tensors(runner.model.state_dict()),
        started_at=started.iteration,
        precision=str(cfg.optim_wrapper.get('dtype', 'float32')),
        loss_scale=scaler.get_scale() if scaler is not None else None,
    )
    (folder / f'{part}.json').write_text(json.dumps(values))


class StartHook(Hook):
    """Remembers the iteration that a run started at."""

    iteration: int | None = None

    def before_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: Any = None
    ) -> None:
        if self.iteration is None:
            self.iteration = runner.iter


def _hash_tensors(state: dict[str, Tensor]) -> str:
    """SHA-256 over all weights and buffers, byte for byte."""
    digest = hashlib.sha256()
    for name, value in sorted(state.items()):
        values = value.detach().cpu().contiguous().view(-1).view(torch.uint8)
        digest.update(name.encode() + values.numpy().tobytes())
    return digest.hexdigest()
