"""State of every random number generator of a process; imports no mm* package."""

import contextlib
import ctypes
import random
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch

__all__ = [
    'capture_rng',
    'pack_rng',
    'preserve_rng',
    'read_rng',
    'restore_rng',
    'seed_rng',
]

_MT19937_BYTES = 625 * 4  # 624 words and the position among them
_last_numpy: tuple[bytes, Any] | None = None


def capture_rng(cuda: bool = True) -> dict[str, Any]:
    """States of python, numpy, torch and CUDA.

    Only tensors, numbers, strings and tuples of them, so that a checkpoint that holds it
    loads with ``torch.load(weights_only=True)``.

    Args:
        cuda: include the current CUDA device if this process has used CUDA. One process
            drives one device, so the others' generators are none of its business.
    """
    return pack_rng(read_rng(cuda))


def read_rng(cuda: bool = True) -> dict[str, Any]:
    """`capture_rng` in each library's own format, for every iteration: 20 us, not 190.

    Args:
        cuda: as in `capture_rng`.
    """
    state = {
        'python': random.getstate(),
        'numpy': _read_numpy(),
        'torch': torch.get_rng_state(),
    }
    if cuda and torch.cuda.is_available() and torch.cuda.is_initialized():
        state['cuda'] = torch.cuda.get_rng_state()
    return state


def pack_rng(state: dict[str, Any]) -> dict[str, Any]:
    """What `read_rng` gave -> what `capture_rng` gives."""
    version, words, gauss = state['python']
    name, keys, position, has_gauss, cached = state['numpy']
    return state | {
        'python': (version, torch.tensor(words, dtype=torch.int64), gauss),
        'numpy': (
            str(name),
            torch.from_numpy(keys.astype(np.int64)),
            int(position),
            int(has_gauss),
            float(cached),
        ),
    }


def _read_numpy() -> Any:
    """`numpy.random.get_state`, which takes 80 us, unless it is the last state known.

    The generator's memory shows that, except for a second normal number in `RandomState`'s
    cache, which is used up while the memory stays: a state with one is not remembered.
    One without gains none until the memory changes, or `_write_numpy` writes it.
    """
    memory = _read_numpy_memory()
    if _last_numpy is not None and _last_numpy[0] == memory:
        return _last_numpy[1]
    state = np.random.get_state()  # noqa: NPY002
    _remember_numpy(memory, state)
    return state


def _write_numpy(state: Any) -> None:
    np.random.set_state(state)  # noqa: NPY002
    _remember_numpy(_read_numpy_memory(), state)


def _read_numpy_memory() -> bytes | None:
    """Words and position of numpy's global Mersenne Twister; None if it is another."""
    generator = np.random.mtrand.get_bit_generator()
    if not isinstance(generator, np.random.MT19937):
        return None
    return ctypes.string_at(generator.ctypes.state_address, _MT19937_BYTES)


def _remember_numpy(memory: bytes | None, state: Any) -> None:
    global _last_numpy
    has_gauss = state[3]
    _last_numpy = None if memory is None or has_gauss else (memory, state)


def restore_rng(state: dict[str, Any]) -> None:
    """Put the generators back into a state that `capture_rng` gave."""
    version, words, gauss = state['python']
    random.setstate((version, tuple(words.tolist()), gauss))
    name, keys, position, has_gauss, cached = state['numpy']
    keys = keys.cpu().numpy().astype(np.uint32)
    _write_numpy((name, keys, position, has_gauss, cached))
    # A checkpoint read with map_location='cuda' has moved these two to the GPU.
    torch.set_rng_state(state['torch'].cpu())
    if 'cuda' in state and torch.cuda.is_available():
        torch.cuda.set_rng_state(state['cuda'].cpu())


def seed_rng(words: tuple[int, int]) -> None:
    """Seed python, numpy and torch's CPU generator from two 32-bit words.

    CUDA is left alone: data loading does not use it, and asking for it in a forked
    worker would start it there.
    """
    seed = words[0] << 32 | words[1]
    random.seed(seed)
    np.random.seed(np.asarray(words, dtype=np.uint32))  # noqa: NPY002
    torch.default_generator.manual_seed(seed & 0x7FFF_FFFF_FFFF_FFFF)


@contextlib.contextmanager
def preserve_rng() -> Iterator[None]:
    """Leave python's, numpy's and torch's CPU generators as they were before."""
    python, numpy_state = random.getstate(), _read_numpy()
    torch_state = torch.get_rng_state()
    try:
        yield
    finally:
        random.setstate(python)
        _write_numpy(numpy_state)
        torch.set_rng_state(torch_state)
