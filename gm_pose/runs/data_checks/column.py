"""A field of annotations as an array, with those entries that cannot be one."""

from __future__ import annotations

from functools import cached_property
from itertools import chain, compress
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ['Column', 'Flags', 'Floats', 'Indices']

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Indices = NDArray[np.int64]


class Column:
    """A field of the entries that have it.

    Args:
        at: indices of those entries.
        rows: what each of them has there.
        width: numbers expected in each row; None for any number of triples.

    Attributes:
        at: (R,) which entries have rows of as many numbers as expected.
        wrong: which entries have something else.
    """

    def __init__(self, at: list[int], rows: list[Any], width: int | None) -> None:
        if set(map(type, rows)) <= {list}:
            lengths = np.fromiter(map(len, rows), int, len(rows))
        else:
            lengths = np.array([len(r) if isinstance(r, list) else -1 for r in rows])
        right = (lengths >= 0) & (
            lengths % 3 == 0 if width is None else lengths == width
        )
        chosen = rows if right.all() else list(compress(rows, right))
        nothing = [0] * (width or 0)  # half of COCO's people; skipping them is faster
        try:  # a sum is the fastest way to ask for numbers
            sum(chain.from_iterable(row for row in chosen if row != nothing))
        except (TypeError, OverflowError):
            are_numbers = [all(isinstance(v, (int, float)) for v in r) for r in chosen]
            right[right] = are_numbers
            chosen = list(compress(chosen, are_numbers))
        indices = np.array(at, dtype=np.int64)
        self.at: Indices = indices[right]
        self.wrong: Indices = indices[~right]
        self._rows, self._width = chosen, width

    @cached_property
    def values(self) -> Floats:
        """(R, width), or (R', 3) where any number of triples is right."""
        if self._width is None:
            return _to_floats(self._rows).reshape(-1, 3)
        nothing = [0] * self._width
        values = np.zeros((len(self._rows), self._width))
        filled = np.array([row != nothing for row in self._rows], bool)
        rows = list(compress(self._rows, filled))
        values[filled] = _to_floats(rows).reshape(len(rows), self._width)
        return values


def _to_floats(rows: list[list]) -> Floats:
    flat = list(chain.from_iterable(rows))
    try:
        return np.fromiter(flat, np.float64, len(flat))
    except OverflowError:
        return np.array([_to_float(number) for number in flat])


def _to_float(number: float) -> float:
    try:
        return float(number)
    except OverflowError:  # an integer of more than 308 digits
        return float('inf')
