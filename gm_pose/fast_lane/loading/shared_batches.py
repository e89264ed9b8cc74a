"""Shared memory in which batches travel from a data worker to the main process.

For each tensor that leaves a worker PyTorch opens a socket, passes a file descriptor and
maps memory anew. Here a worker keeps a few buffers for as long as it lives. The first
batch in one brings the buffer along; later ones say which it is.

A buffer ends in two bytes that both processes see. `_IN_USE` is set by the worker before
it writes and cleared by the main process once the last tensor on the batch is gone, however
long that is kept. `_KNOWN` is set by the main process, which has mapped the buffer. Neither
process undoes what it set itself: no lock is needed, and a killed process blocks nobody.
"""

import itertools
import math
import os
import weakref
from collections.abc import Callable

import torch
from torch import Tensor, UntypedStorage
from torch.utils.data import get_worker_info

__all__ = ['make_batch', 'send_batch']

# Buffers of a worker. They are made when no other is free: there are as many as batches
# were on their way at once. Beyond it a batch takes memory of its own.
_MOST_BUFFERS = 16

_IN_USE, _KNOWN = -2, -1


class _Buffer:
    """Bytes of one batch at a time, in memory that two processes share."""

    def __init__(self, name: tuple[int, int], storage: UntypedStorage) -> None:
        self.name = name
        self.storage = storage
        self.tensor = torch.empty(0, dtype=torch.uint8).set_(storage)
        self.bytes = self.tensor.numpy()
        self.capacity = len(self.bytes) - 2


class _SentBatch:
    """Is pickled as the place of a batch, and arrives as a tensor."""

    def __init__(self, buffer: _Buffer, shape: torch.Size) -> None:
        self._buffer = buffer
        self._shape = tuple(shape)

    def __reduce__(self) -> tuple[Callable, tuple]:
        storage = None if self._buffer.bytes[_KNOWN] else self._buffer.storage
        return _receive, (self._buffer.name, self._shape, storage)


_own: list[_Buffer] = []  # in a worker
_received: dict[tuple[int, int], _Buffer] = {}  # in the main process
_numbers = itertools.count()


def make_batch(count: int, input_size: tuple[int, int]) -> Tensor:
    """Uninitialised crops (count, h, w, 3) uint8; in shared memory in a worker."""
    width, height = input_size
    shape = (count, height, width, 3)
    if get_worker_info() is None:
        return torch.empty(shape, dtype=torch.uint8)
    size = math.prod(shape)
    buffer = _take_buffer(size)
    if buffer is not None:
        return buffer.tensor[:size].view(shape)
    storage = UntypedStorage._new_shared(size, device='cpu')
    return torch.empty(0, dtype=torch.uint8).set_(storage).view(shape)


def send_batch(batch: Tensor) -> Tensor | _SentBatch:
    """A batch of `make_batch` in a form that leaves a worker quickly."""
    for buffer in _own:
        if buffer.tensor.data_ptr() == batch.data_ptr():
            return _SentBatch(buffer, batch.shape)
    return batch


def _take_buffer(size: int) -> _Buffer | None:
    """A free buffer of at least `size` bytes."""
    if not _own or _own[0].name[0] != os.getpid():  # a fork brings its parent's along
        _own.clear()
        _received.clear()
    for buffer in _own:
        if buffer.capacity >= size and not buffer.bytes[_IN_USE]:
            break
    else:
        if len(_own) == _MOST_BUFFERS:
            return None
        storage = UntypedStorage._new_shared(size + 2, device='cpu')  # zeros
        buffer = _Buffer((os.getpid(), next(_numbers)), storage)
        _own.append(buffer)
    buffer.bytes[_IN_USE] = 1
    return buffer


def _receive(
    name: tuple[int, int], shape: tuple[int, ...], storage: UntypedStorage | None
) -> Tensor:
    """Unpickle."""
    if storage is not None:
        _forget_ended()
        _received[name] = _Buffer(name, storage)
        _received[name].bytes[_KNOWN] = 1
    buffer = _received[name]
    batch = buffer.bytes[: math.prod(shape)].reshape(shape)
    # Every tensor on the batch, a slice of it too, keeps this very array alive.
    weakref.finalize(batch, _give_back, buffer, os.getpid()).atexit = False
    return torch.from_numpy(batch)


def _give_back(buffer: _Buffer, owner: int) -> None:
    """Let the worker use a buffer again; not where a fork drops what its parent uses."""
    if os.getpid() == owner:
        buffer.bytes[_IN_USE] = 0


def _forget_ended() -> None:
    """Unmap the buffers of workers that are gone."""
    for process in {name[0] for name in _received}:
        try:
            os.kill(process, 0)
        except ProcessLookupError:
            for name in [name for name in _received if name[0] == process]:
                del _received[name]
