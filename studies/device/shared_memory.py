"""Arrays that a forked process writes and this one reads."""

import mmap
from collections.abc import Sequence
from math import prod

import numpy as np


class Slots:
    """Blocks of memory shared with processes that are forked after this.

    Anonymous maps: /dev/shm is small in many containers.

    Args:
        count: blocks.
        size: bytes of each.
    """

    def __init__(self, count: int, size: int) -> None:
        self._maps = [mmap.mmap(-1, max(size, 1)) for _ in range(count)]
        self.free = list(range(count))

    def take(self) -> int | None:
        """A free block, None if all are in use."""
        return self.free.pop() if self.free else None

    def give_back(self, slot: int) -> None:
        """The block is free again."""
        self.free.append(slot)

    def view(
        self, slot: int, layout: Sequence[tuple[tuple[int, ...], str]]
    ) -> list[np.ndarray]:
        """Arrays that lie one after another in a block.

        Args:
            slot: the block.
            layout: shape and dtype of each array.
        """
        arrays, start = [], 0
        for shape, dtype in layout:
            kind = np.dtype(dtype)
            array = np.frombuffer(self._maps[slot], kind, prod(shape), start)
            arrays.append(array.reshape(shape))
            start += -(-prod(shape) * kind.itemsize // 64) * 64
        return arrays


def count_bytes(layout: Sequence[tuple[tuple[int, ...], str]]) -> int:
    """Size of a block for `Slots.view`."""
    return sum(
        -(-prod(shape) * np.dtype(dtype).itemsize // 64) * 64 for shape, dtype in layout
    )
