"""Tables made once by numpy, and once a device for tensors there."""

from collections.abc import Callable, Hashable
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from gm_pose.ops.array_types import Array, is_tensor

if TYPE_CHECKING:
    import torch

__all__ = ['make_table']


def make_table(like: Array, make: Callable[..., Any], *arguments: Hashable) -> Any:
    """``make(*arguments)``, for tensors on the device of `like`, copied there once.

    A copy in each call takes longer than what is done with it, and waits for the device.

    Args:
        like: numpy array or tensor.
        make: cached function that returns a numpy array or a (named) tuple of them and
            None; its results must not be written to.
        *arguments: hashable.

    Example:
        >>> import torch
        >>> make_table(np.zeros(3), np.arange, 4)
        array([0, 1, 2, 3])
        >>> table = make_table(torch.zeros(3), np.arange, 4)
        >>> table is make_table(torch.ones(5), np.arange, 4)
        True
    """
    if is_tensor(like):
        return _copy(like.device, make, arguments)
    return make(*arguments)


@lru_cache(maxsize=256)
def _copy(
    device: 'torch.device', make: Callable[..., Any], arguments: tuple[Hashable, ...]
) -> Any:
    import torch

    def to_device(value: Any) -> Any:
        if isinstance(value, np.ndarray):
            return torch.tensor(value, device=device)
        if isinstance(value, tuple):
            parts = map(to_device, value)
            return type(value)(*parts) if hasattr(value, '_fields') else tuple(parts)
        return value

    return to_device(make(*arguments))
