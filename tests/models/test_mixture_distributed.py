"""Data-parallel training with two gloo processes: every parameter takes part."""

import os

import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from torch.nn.parallel import DistributedDataParallel

VARIANTS = [
    dict(),
    dict(num_components=1),
    dict(learn_sigmas=False),
    dict(mixing='uniform'),
    dict(with_cp=True),
]


def train_two_steps(rank: int, init_file: str, out_dir: str) -> None:
    """One process: DDP raises in the second step if the first left a parameter out."""
    from test_mixture_export import NeckAndHead

    torch.set_num_threads(1)
    dist.init_process_group(
        'gloo', init_method=f'file://{init_file}', rank=rank, world_size=2
    )
    results = []
    for kwargs in VARIANTS:
        model = DistributedDataParallel(
            NeckAndHead(**kwargs), find_unused_parameters=False, broadcast_buffers=False
        )
        optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
        generator = torch.Generator().manual_seed(rank)
        for _ in range(2):
            optimizer.zero_grad()
            x = torch.randn(2, 24, 8, 6, generator=generator)
            model(x).square().mean().backward()
            optimizer.step()
        named = model.module.named_parameters()
        results.append({name: (p.detach(), p.grad) for name, p in named})
    torch.save(results, os.path.join(out_dir, f'{rank}.pth'))
    dist.destroy_process_group()


@pytest.mark.slow
def test_two_processes_train_all_parameters_in_step(tmp_path):
    mp.start_processes(  # forks: a new interpreter imports for seconds
        train_two_steps,
        args=(str(tmp_path / 'init'), str(tmp_path)),
        nprocs=2,
        start_method='fork',
    )
    first, second = (torch.load(tmp_path / f'{rank}.pth') for rank in (0, 1))
    for variant, ours, theirs in zip(VARIANTS, first, second, strict=True):
        for name, (parameter, gradient) in ours.items():
            assert gradient is not None, (variant, name)
            assert torch.equal(parameter, theirs[name][0]), (variant, name)
