"""How the network runs on the fast lane: layout, precision, optimizer, waits."""

import os
from typing import Any

import torch
from mmengine.config import Config, ConfigDict

from gm_pose.fast_lane.config.settings import FastLaneSettings

__all__ = ['set_device_options']

# Optimizers of PyTorch that update all weights in one kernel with `fused=True`.
_FUSED = ('Adam', 'AdamW', 'SGD')
_MOST_WORKERS = 8


def set_device_options(cfg: Config, settings: FastLaneSettings, trains: bool) -> None:
    """Set layout, precision, fused optimizer and hooks, in place.

    Args:
        cfg: merged config.
        settings: of the fast lane.
        trains: whether the run trains.
    """
    hooks = [ConfigDict(type='ChannelsLastHook')]
    if settings.compile is not None:
        hooks.append(ConfigDict(type='CompileHook', mode=settings.compile))
    if trains and settings.cuda_graphs:
        hooks.append(ConfigDict(type='CudaGraphHook'))
    if trains:
        hooks.append(ConfigDict(type='LogTimeAccuracyHook'))
        _read_losses_late(cfg)
    present = {hook.get('type') for hook in cfg.get('custom_hooks') or []}
    added = [hook for hook in hooks if hook.type not in present]
    cfg.custom_hooks = [*(cfg.get('custom_hooks') or []), *added]
    _set_workers(cfg, settings.workers)
    if not torch.cuda.is_available():
        return
    _choose_fastest_kernels(cfg)
    if trains:
        _set_optimizer(cfg.optim_wrapper, settings.precision)


def _read_losses_late(cfg: Config) -> None:
    for hook in cfg.get('custom_hooks') or []:
        if hook.get('type') == 'NonFiniteLossHook':
            hook.setdefault('delayed', True)
    hooks = cfg.get('default_hooks') or ConfigDict()
    if hooks.get('runtime_info', dict()).get('type') in (None, 'RuntimeInfoHook'):
        hooks['runtime_info'] = ConfigDict(type='LateRuntimeInfoHook')
        cfg.default_hooks = hooks


def _set_workers(cfg: Config, workers: int | None) -> None:
    for split in ('train', 'val', 'test'):
        loader = cfg.get(f'{split}_dataloader')
        if loader is None:
            continue
        count = workers
        if count is None:
            if not torch.cuda.is_available():
                continue
            ranks = int(os.environ.get('LOCAL_WORLD_SIZE', 1))
            own = len(os.sched_getaffinity(0)) // ranks - 1
            count = max(loader.get('num_workers', 0), min(own, _MOST_WORKERS))
        loader.num_workers = count
        loader.persistent_workers = count > 0
        if count == 0:  # PyTorch refuses what is set about workers then
            for name in ('prefetch_factor', 'timeout', 'multiprocessing_context'):
                loader.pop(name, None)


def _choose_fastest_kernels(cfg: Config) -> None:
    """cuDNN may try its algorithms, since all batches have one shape."""
    if not (cfg.get('randomness') or {}).get('deterministic'):
        cfg.env_cfg = {**(cfg.get('env_cfg') or {}), 'cudnn_benchmark': True}


def _set_optimizer(wrapper: Any, precision: str) -> None:
    optimizer = wrapper.get('optimizer') or {}
    if optimizer.get('type') in _FUSED and not optimizer.get('foreach'):
        optimizer.setdefault('fused', True)
    has_own = wrapper.get('type', 'OptimWrapper') != 'OptimWrapper'
    wants = precision == 'bfloat16' or (
        precision == 'auto' and torch.cuda.is_bf16_supported(including_emulation=False)
    )
    if wants and not has_own:
        wrapper.type = 'AmpOptimWrapper'
        wrapper.dtype = 'bfloat16'
        wrapper.loss_scale = dict(enabled=False)  # bfloat16 has float32's range
