"""The end of the processes that load data."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from mmengine.runner import Runner

__all__ = ['end_workers', 'workers_ended']


@contextmanager
def workers_ended(runner: Runner) -> Iterator[None]:
    """End the runner's data workers on leaving, however that is.

    Up to torch 2.11 a loader with persistent workers and pinned memory joins them when
    Python exits, before anything has told them to stop: five seconds a worker, one after
    the other, and only then they are killed. A run with 8 workers ends 40 s late on a GPU.
    """
    try:
        yield
    finally:
        end_workers(runner)


def end_workers(runner: Runner) -> None:
    """End the data workers of a runner's loops; the next epoch would start new ones."""
    for name in ('_train_loop', '_val_loop', '_test_loop'):
        loop: Any = getattr(runner, name, None)  # a dict where it has not been built
        loader: Any = getattr(loop, 'dataloader', None)
        iterator: Any = getattr(loader, '_iterator', None)
        if hasattr(iterator, '_shutdown_workers'):
            iterator._shutdown_workers()
            loader._iterator = None
