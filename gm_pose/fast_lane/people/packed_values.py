"""Many texts or JSON values in two arrays, so that processes share one copy of them."""

import json
from collections.abc import Iterable, Sequence
from typing import Any, overload

import numpy as np
import orjson

__all__ = ['PackedTexts', 'pack_bytes', 'pack_json', 'unpack_json']


def pack_bytes(values: Iterable[bytes]) -> tuple[np.ndarray, np.ndarray]:
    """Byte strings -> (all of them in a row (L,) uint8, where each ends (N,) int64)."""
    found = list(values)
    ends = np.cumsum([len(value) for value in found], dtype=np.int64)
    return np.frombuffer(b''.join(found), np.uint8), ends


def pack_json(value: Any) -> bytes:
    """A value of JSON's types -> its text.

    orjson writes NaN as null; json writes NaN, which its reader knows.

    Raises:
        TypeError: it holds another type.
    """
    text = orjson.dumps(value)
    return json.dumps(value).encode() if b'null' in text else text


def unpack_json(data: np.ndarray, ends: np.ndarray, row: int) -> Any:
    """The value of one row."""
    text = data[int(ends[row - 1]) if row else 0 : int(ends[row])].tobytes()
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:  # NaN
        return json.loads(text)


class PackedTexts(Sequence[str]):
    """The texts of two arrays of `pack_bytes`, each made when it is asked for.

    Args:
        data: (L,) uint8, UTF-8; other bytes as `os.fsdecode` gives them.
        ends: (N,) int64.
        prefix: put before each of them.
    """

    def __init__(self, data: np.ndarray, ends: np.ndarray, prefix: str = '') -> None:
        self._data, self._ends, self.prefix = data, ends, prefix

    def __len__(self) -> int:
        return len(self._ends)

    @overload
    def __getitem__(self, row: int) -> str: ...
    @overload
    def __getitem__(self, row: slice) -> list[str]: ...
    def __getitem__(self, row: int | slice) -> str | list[str]:
        if isinstance(row, slice):
            return [self[k] for k in range(*row.indices(len(self)))]
        row = int(row)
        if not -len(self) <= row < len(self):
            raise IndexError(row)
        row %= len(self)
        start = int(self._ends[row - 1]) if row else 0
        name = self._data[start : int(self._ends[row])].tobytes()
        return self.prefix + name.decode(errors='surrogateescape')
