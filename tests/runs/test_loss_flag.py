"""One bad loss and its optimizer step: skipped in every process, without a wait."""

import pytest
import torch
from mmengine.optim import OptimWrapper
from torch import distributed, multiprocessing
from torch.nn.parallel import DistributedDataParallel

from gm_pose.runs.hooks.loss_flag import LossFlag, can_skip_steps


def make_optimizer(kind=torch.optim.Adam, **options):
    return kind([torch.nn.Parameter(torch.ones(3))], lr=0.1, **options)


@pytest.mark.parametrize('kind', [torch.optim.Adam, torch.optim.AdamW, torch.optim.SGD])
def test_fused_optimizers_can_skip_and_others_cannot(kind):
    assert can_skip_steps(OptimWrapper(make_optimizer(kind, fused=True)))
    assert not can_skip_steps(OptimWrapper(make_optimizer(kind)))
    assert not can_skip_steps(OptimWrapper(make_optimizer(kind, foreach=True)))


def test_gradient_scaler_keeps_found_inf_to_itself():
    wrapper = OptimWrapper(make_optimizer(fused=True))
    wrapper.loss_scaler = torch.amp.GradScaler('cpu', enabled=False)
    assert can_skip_steps(wrapper)
    wrapper.loss_scaler = torch.amp.GradScaler('cpu', enabled=True)
    assert not can_skip_steps(wrapper)


@pytest.mark.parametrize('bad', [float('nan'), float('inf'), -float('inf')])
def test_no_step_is_taken_from_the_first_bad_loss_on(bad):
    optimizer = make_optimizer(fused=True)
    flag = LossFlag(optimizer)
    (weights,) = optimizer.param_groups[0]['params']
    weights.grad = torch.ones(3)

    def step(loss):
        before = weights.detach().clone()
        flag.update(torch.tensor(loss))
        optimizer.step()
        return not torch.equal(before, weights)

    assert step(1.0)
    assert flag.read() == (False, False)
    assert not step(bad)
    assert flag.read() == (True, True)
    assert not step(1.0)
    assert flag.read() == (True, True)
    flag.release()
    assert not hasattr(optimizer, 'found_inf')
    optimizer.step()
    assert optimizer.state[weights]['step'] == 2


def train_with_one_bad_rank(rank, init_file, results):
    distributed.init_process_group(
        'gloo', init_method=f'file://{init_file}', rank=rank, world_size=2
    )
    torch.manual_seed(0)
    model = DistributedDataParallel(torch.nn.Linear(2, 1))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, fused=True)
    flag = LossFlag(optimizer)
    seen = []
    for value in (1.0, float('nan') if rank == 1 else 1.0):
        before = model.module.weight.detach().clone()
        loss = model(torch.full((1, 2), value)).sum()
        flag.update(loss)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        seen.append((flag.read(), torch.equal(before, model.module.weight)))
    torch.save(seen, f'{results}/{rank}.pth')
    distributed.destroy_process_group()


@pytest.mark.slow
def test_every_process_skips_the_step_that_one_has_spoiled(tmp_path):
    """The gradient of the bad one is in the mean that all of them take."""
    arguments = (str(tmp_path / 'init'), str(tmp_path))
    multiprocessing.start_processes(  # forks: a new interpreter imports for seconds
        train_with_one_bad_rank, args=arguments, nprocs=2, start_method='fork'
    )
    first = ((False, False), False)
    for rank, own in ((0, False), (1, True)):
        seen = torch.load(tmp_path / f'{rank}.pth')
        assert seen == [first, ((own, True), True)]
