"""Batches that travel in reused shared memory arrive whole, however long they are kept."""

import multiprocessing
import os
import signal

import pytest
import torch
from torch.utils.data import DataLoader

from gm_pose.fast_lane.loading import shared_batches
from gm_pose.fast_lane.loading.keep_batch import keep_batch
from gm_pose.fast_lane.loading.shared_batches import make_batch

SIZE = (6, 8)  # w, h


class Numbers:
    """A dataset of 300 crops, each filled with its index modulo 251."""

    def __init__(self, widths: tuple[int, ...] = SIZE[:1], killed_at: int = -1) -> None:
        self.widths = widths
        self.killed_at = killed_at

    def __len__(self) -> int:
        return 300

    def __getitems__(self, indices: list[int]) -> dict:
        width = self.widths[indices[0] % len(self.widths)]
        inputs = make_batch(len(indices), (width, SIZE[1]))
        inputs[:] = torch.tensor(indices).remainder(251).view(-1, 1, 1, 1)
        if self.killed_at in indices:
            os.kill(os.getpid(), signal.SIGKILL)
        return dict(inputs=inputs, data_samples=dict(indices=indices))


def load(dataset: Numbers, batch_size: int = 4, **settings) -> DataLoader:
    settings = dict(num_workers=1, multiprocessing_context='fork') | settings
    return DataLoader(dataset, batch_size=batch_size, collate_fn=keep_batch, **settings)


def is_whole(batch: dict) -> bool:
    indices = batch['data_samples']['indices']
    wanted = torch.tensor(indices).remainder(251).view(-1, 1, 1, 1)
    return len(indices) == len(batch['inputs']) and bool(
        (batch['inputs'] == wanted).all()
    )


@pytest.fixture(autouse=True)
def nothing_received(monkeypatch):
    """Each test counts the buffers of its own workers."""
    monkeypatch.setattr(shared_batches, '_received', {})


def test_buffers_are_used_again():
    places = set()
    for batch in load(Numbers()):
        assert is_whole(batch)
        places.add(batch['inputs'].data_ptr())
    # One with the consumer, one just dropped, two prefetched and one being filled.
    assert len(places) == len(shared_batches._received) <= 5


def test_batches_that_are_kept_stay_as_they_are_when_buffers_run_out(monkeypatch):
    batches = list(load(Numbers()))
    assert len(batches) == 75
    assert all(map(is_whole, batches))
    assert len(shared_batches._received) == shared_batches._MOST_BUFFERS < 75


def test_slices_and_arrays_of_a_batch_keep_its_buffer():
    kept = {}
    for number, batch in enumerate(load(Numbers())):
        value = 4 * number % 251
        if number == 0:
            kept['slice'] = batch['inputs'][:1, 2:3], value
        elif number == 1:
            kept['array'] = batch['inputs'].numpy()[:1], value
        elif number == 2:
            kept['detached'] = batch['inputs'].detach().permute(0, 3, 1, 2)[:1], value
    del batch
    for part, value in kept.values():
        assert (part == value).all()
    buffers = shared_batches._received.values()
    assert sum(bool(buffer.bytes[-2]) for buffer in buffers) == 3
    del part
    kept.clear()
    assert not any(buffer.bytes[-2] for buffer in buffers)


@pytest.mark.parametrize('persistent', [False, True])
def test_epochs_that_are_left_early(persistent):
    loader = load(Numbers(), num_workers=2, persistent_workers=persistent)
    for _ in range(2):
        kept = []
        for batch in loader:
            kept.append(batch)
            if len(kept) == 5:
                break
        assert all(map(is_whole, kept))
    assert all(map(is_whole, loader))


def test_two_loaders_at_a_time_do_not_share_buffers():
    for first, second in zip(load(Numbers()), load(Numbers((5,))), strict=True):
        assert first['inputs'].shape[2] == 6
        assert second['inputs'].shape[2] == 5
        assert is_whole(first)
        assert is_whole(second)


def test_batches_of_several_sizes():
    # 301 is no multiple of 8, and every other batch has larger crops.
    batches = load(Numbers((6, 11, 2, 9)), batch_size=7)
    assert all(map(is_whole, batches))


def test_worker_that_is_killed_ends_the_epoch_and_not_the_next():
    kept, errors = [], []
    batches = iter(load(Numbers(killed_at=200)))
    (worker,) = batches._workers
    # PyTorch's signal handler raises where it finds the main process, once more until the
    # iterator is shut down. The other errors: a buffer was sent and not yet mapped.
    for step in (lambda: kept.extend(batches), worker.join, batches._shutdown_workers):
        try:
            step()
        except (RuntimeError, EOFError, ConnectionError) as error:
            errors.append(error)
    assert errors
    assert worker.exitcode == -signal.SIGKILL
    assert 0 < len(kept) <= 50
    assert all(map(is_whole, kept))
    held = {name[0] for name in shared_batches._received}
    assert all(map(is_whole, load(Numbers())))
    # The memory of the dead is unmapped when another worker comes.
    assert not held & {name[0] for name in shared_batches._received}


def test_child_that_drops_a_batch_does_not_free_it():
    loader = iter(load(Numbers()))
    batch = next(loader)
    (buffer,) = shared_batches._received.values()

    def drop() -> None:
        nonlocal batch
        batch = None

    child = multiprocessing.get_context('fork').Process(target=drop)
    child.start()
    child.join()
    assert buffer.bytes[-2] == 1
    drop()
    assert buffer.bytes[-2] == 0


def test_crops_of_a_batch_in_this_process_are_its_own():
    batch = make_batch(2, SIZE)
    assert batch.shape == (2, 8, 6, 3)
    assert batch.dtype == torch.uint8
    assert not batch.is_shared()
    assert make_batch(0, SIZE).shape == (0, 8, 6, 3)
