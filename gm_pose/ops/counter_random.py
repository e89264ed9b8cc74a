"""Random numbers that are a function of a key: no state, any order, any subset.

Philox4x32-10 of Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2,
3" (SC 2011), for many keys at once. A sample's numbers follow from its key alone, so they
depend neither on the batch that it is in, nor on the worker that makes it.
"""

from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ['STREAM_VERSION', 'draw_uniforms', 'philox4x32']

STREAM_VERSION = 1
"""Changes with the numbers that a key gives, or with what is made of them."""

Words: TypeAlias = NDArray[np.uint64]

_ROUNDS = 10
_MULTIPLIERS = np.array([0xD2511F53, 0xCD9E8D57], dtype=np.uint64)
_KEY_STEPS = np.array([0x9E3779B9, 0xBB67AE85], dtype=np.uint64)
_LOW = np.uint64(0xFFFF_FFFF)
_SHIFT = np.uint64(32)


def draw_uniforms(words: ArrayLike, count: int, start: int = 0) -> NDArray[np.float64]:
    """Keys (B, W) -> uniform numbers (B, count) in [0, 1), multiples of 2^-32.

    Column `start + j` of a key is the same number whatever `start` and `count` are: one
    key serves several purposes by drawing each from a range of its own.

    Args:
        words: one to three words a key, all 64 bits of the first and the third used, 32
            of the second: (seed, epoch, position), or the two words of a `SeedSequence`.
        count: numbers for each key.
        start: index of the first of them.

    Raises:
        ValueError: another number of words, or a second word of 2^32 or more.

    Example:
        >>> draw_uniforms([[7, 0, 1], [7, 0, 2]], 2).round(3)
        array([[0.495, 0.172],
               [0.942, 0.851]])
    """
    words = np.atleast_2d(np.asarray(words, dtype=np.uint64))
    if words.ndim != 2 or not 1 <= words.shape[1] <= 3:
        raise ValueError(
            f'words are {words.shape}; expected (B, W) with W from 1 to 3: (seed, epoch, '
            'position)'
        )
    padded = np.zeros((len(words), 3), dtype=np.uint64)
    padded[:, : words.shape[1]] = words
    if (padded[:, 1] > _LOW).any():
        raise ValueError(
            f'the second word is {padded[:, 1].max()}; expected less than 2^32'
        )
    first, last = start // 4, (start + count + 3) // 4
    blocks = np.arange(first, last, dtype=np.uint64)
    counters = np.empty((4, len(words), len(blocks)), dtype=np.uint64)
    counters[0] = blocks
    counters[1] = padded[:, 1:2]
    counters[2] = padded[:, 2:] & _LOW
    counters[3] = padded[:, 2:] >> _SHIFT
    keys = np.stack([padded[:, :1] & _LOW, padded[:, :1] >> _SHIFT])
    drawn = philox4x32(counters, keys)
    flat = np.moveaxis(drawn, 0, -1).reshape(len(words), 4 * len(blocks))
    offset = start - 4 * first
    return np.asarray(flat[:, offset : offset + count] * 2.0**-32, np.float64)


def philox4x32(counters: Words, keys: Words) -> Words:
    """Counters (4, ...) and keys (2, ...) -> random words (4, ...), each of 32 bits.

    All in uint64, where the product of two 32-bit words has room. `counters` and `keys`
    broadcast but for their first axis.
    """
    shape = (2,) + (1,) * (counters.ndim - 1)
    multipliers, steps = _MULTIPLIERS.reshape(shape), _KEY_STEPS.reshape(shape)
    even, odd = counters[0::2], counters[1::2]
    for number in range(_ROUNDS):
        key = (keys + np.uint64(number) * steps) & _LOW
        products = (even * multipliers)[::-1]
        even, odd = (products >> _SHIFT) ^ odd ^ key, products & _LOW
    return np.stack([even, odd], axis=1).reshape(4, *even.shape[1:])
