"""State of every random number generator of a process; imports no mm* package."""

import contextlib
import random
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch

__all__ = ['capture_rng', 'preserve_rng', 'restore_rng', 'seed_rng']


def capture_rng(cuda: bool = True) -> dict[str, Any]:
    """States of python, numpy, torch and CUDA.

    Only tensors, numbers, strings and tuples of them, so that a checkpoint that holds it
    loads with ``torch.load(weights_only=True)``.

    Args:
        cuda: include the current CUDA device if this process has used CUDA. One process
            drives one device, so the others' generators are none of its business.
    """
    version, words, gauss = random.getstate()
    own: Any = np.random.get_state(legacy=True)  # noqa: NPY002
    name, keys, position, has_gauss, cached = own
    state = {
        'python': (version, torch.tensor(words, dtype=torch.int64), gauss),
        'numpy': (
            str(name),
            torch.from_numpy(keys.astype(np.int64)),
            int(position),
            int(has_gauss),
            float(cached),
        ),
        'torch': torch.get_rng_state(),
    }
    if cuda and torch.cuda.is_available() and torch.cuda.is_initialized():
        state['cuda'] = torch.cuda.get_rng_state()
    return state


def restore_rng(state: dict[str, Any]) -> None:
    """Put the generators back into a state that `capture_rng` gave."""
    version, words, gauss = state['python']
    random.setstate((version, tuple(words.tolist()), gauss))
    name, keys, position, has_gauss, cached = state['numpy']
    keys = keys.cpu().numpy().astype(np.uint32)
    np.random.set_state((name, keys, position, has_gauss, cached))  # noqa: NPY002
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
    python, numpy_state = random.getstate(), np.random.get_state()  # noqa: NPY002
    torch_state = torch.get_rng_state()
    try:
        yield
    finally:
        random.setstate(python)
        np.random.set_state(numpy_state)  # noqa: NPY002
        torch.set_rng_state(torch_state)
