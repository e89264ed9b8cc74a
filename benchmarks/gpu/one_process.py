"""NCCL with one process: what DistributedDataParallel costs before any other machine."""

import os

import torch
from torch import distributed, nn
from torch.nn.parallel import DistributedDataParallel

from benchmarks.gpu.network import Setting, make_step
from benchmarks.gpu.rows import Bench


def run(job: str, bench: Bench) -> None:
    setting = Setting(torch.bfloat16, channels_last=True, fused=True)
    backend = 'nccl' if bench.device == 'cuda' else 'gloo'
    distributed.init_process_group(
        backend,
        init_method=f'file://{bench.scratch}/rendezvous-{os.getpid()}',
        rank=0,
        world_size=1,
    )
    batch = 2 if bench.rehearse else 64

    def wrap(model: nn.Module) -> nn.Module:
        return DistributedDataParallel(model, gradient_as_bucket_view=True)

    for name, wrapper in (('bare', None), (f'{backend}, one process', wrap)):
        step, _, _ = make_step(bench, setting, batch, wrapper)
        bench.measure(name, step, batch)
    distributed.destroy_process_group()
