"""Reading from shards that may be removed or overwritten at any time."""

import os
from collections.abc import Mapping
from typing import Any

import numpy as np

from gm_pose.fast_lane.images.store_shards import Shard
from gm_pose.runs.files.cache_folder import hash_file

__all__ = ['ShardFiles']

_MAX_OPEN = 128


class ShardFiles:
    """Open files of shards.

    After every read, size and time stamps of the open file are compared with those it had
    when it was opened: bytes that were overwritten or cut off are never handed on. A file
    that is deleted while it is open still holds its bytes.

    Args:
        shards: number -> shard.
    """

    def __init__(self, shards: Mapping[int, Shard]) -> None:
        self._shards = dict(shards)
        self._open: dict[int, tuple[int, tuple[int, ...]]] = {}
        self._complaints: list[str] = []
        self._buffer = np.empty(0, np.uint8)

    def __getstate__(self) -> dict[str, Any]:
        return dict(self.__dict__, _open={}, _buffer=np.empty(0, np.uint8))

    def __del__(self) -> None:
        for descriptor, _ in getattr(self, '_open', {}).values():
            os.close(descriptor)

    def read(self, number: int, offset: int, count: int) -> np.ndarray | None:
        """Bytes of a shard (count,) uint8; None if it is not what was written.

        They lie in a buffer that the next call overwrites: fresh memory costs a page fault
        for every 4 KiB, as much as reading.
        """
        opened = self._open.get(number) or self._open_shard(number)
        if opened is None:
            return None
        descriptor, state = opened
        if len(self._buffer) < count:
            self._buffer = np.empty(count + count // 4, np.uint8)
        data = self._buffer[:count]
        try:
            got = os.preadv(descriptor, [data.data], offset)
            if got == count and _read_state(descriptor) == state:
                return data
            reason = 'was changed while it was read'
        except OSError as error:
            reason = f'cannot be read: {error.strerror}'
        self.give_up(number, reason)
        return None

    def verify(self, number: int) -> bool:
        """Whether the bytes of a shard are those that were written, all hashed."""
        shard = self._shards[number]
        try:
            is_right = hash_file(shard.path) == shard.hash
        except OSError:
            is_right = False
        if not is_right:
            self.give_up(number, 'is damaged')
        return is_right

    def take_complaints(self) -> list[str]:
        """Faults of shards that were not reported before."""
        complaints, self._complaints = self._complaints, []
        return complaints

    def give_up(self, number: int, reason: str) -> None:
        """Read a shard no longer, and keep the reason for `take_complaints`."""
        shard = self._shards.pop(number, None)
        if shard is not None:
            self._complaints.append(f'{shard.path} {reason}')
        opened = self._open.pop(number, None)
        if opened is not None:
            os.close(opened[0])

    def _open_shard(self, number: int) -> tuple[int, tuple[int, ...]] | None:
        shard = self._shards.get(number)
        if shard is None:
            return None
        if len(self._open) >= _MAX_OPEN:
            descriptor, _ = self._open.pop(next(iter(self._open)))
            os.close(descriptor)
        try:
            descriptor = os.open(shard.path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError as error:
            self.give_up(number, f'cannot be opened: {error.strerror}')
            return None
        state = _read_state(descriptor)
        if state[:2] != (shard.size, shard.mtime_ns):
            os.close(descriptor)
            self.give_up(number, 'was changed after it was written')
            return None
        self._open[number] = descriptor, state
        return self._open[number]


def _read_state(descriptor: int) -> tuple[int, ...]:
    # Not the change time: deleting or linking a file alters it, and no byte.
    stat = os.fstat(descriptor)
    return stat.st_size, stat.st_mtime_ns
