"""Data workers end with the run, not seconds after it."""

import time
from types import SimpleNamespace

import pytest
import torch
from torch.utils.data import DataLoader

from gm_pose.runs.launch.loader_workers import workers_ended


def make_runner() -> SimpleNamespace:
    loader = DataLoader(torch.arange(8), num_workers=2, persistent_workers=True)
    return SimpleNamespace(
        _train_loop=SimpleNamespace(dataloader=loader),
        _val_loop=dict(type='ValLoop'),  # not built
        _test_loop=None,
    )


def test_workers_end_when_a_run_fails() -> None:
    runner = make_runner()
    loader = runner._train_loop.dataloader
    workers = []

    def run() -> None:
        next(iter(loader))  # the others wait for their next batch
        workers.extend(loader._iterator._workers)
        raise RuntimeError('in the loop')

    with pytest.raises(RuntimeError, match='in the loop'), workers_ended(runner):
        run()
    assert [worker.exitcode for worker in workers] == [0, 0]


def test_a_loader_can_be_used_again() -> None:
    runner = make_runner()
    loader = runner._train_loop.dataloader
    for _ in range(2):
        with workers_ended(runner):
            assert len(list(loader)) == 8


def test_nothing_is_left_to_wait_for() -> None:
    """The five seconds a worker are those of a join that nobody has announced."""
    runner = make_runner()
    with workers_ended(runner):
        list(runner._train_loop.dataloader)
        workers = runner._train_loop.dataloader._iterator._workers
    begin = time.perf_counter()
    for worker in workers:
        worker.join(5)
    assert time.perf_counter() - begin < 2
