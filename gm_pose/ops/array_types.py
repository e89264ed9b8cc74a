"""The arrays that the maths takes, numpy's or torch's, and how to tell which.

Nothing here imports torch: an array can only be a tensor once its maker has.
"""

import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar, Union

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from torch import Tensor
    from typing_extensions import TypeIs

# An array of either kind, and one of the same kind as the call's others.
Array: TypeAlias = Union[NDArray[Any], 'Tensor']
ArrayT = TypeVar('ArrayT', NDArray[Any], 'Tensor')

# What is numpy's in any case.
FloatArray: TypeAlias = NDArray[np.floating]
BoolArray: TypeAlias = NDArray[np.bool_]


def is_tensor(array: object) -> 'TypeIs[Tensor]':
    """Whether `array` is a torch tensor."""
    if isinstance(array, np.ndarray):  # the usual case first: decoding asks ten times
        return False
    torch = sys.modules.get('torch')
    return torch is not None and isinstance(array, torch.Tensor)


def get_namespace(array: Array) -> ModuleType:
    """Numpy or torch, whichever `array` belongs to.

    Example:
        >>> get_namespace(np.zeros(3)).__name__
        'numpy'
    """
    return sys.modules['torch'] if is_tensor(array) else np


def make_like(array: ArrayT, values: NDArray[Any]) -> ArrayT:
    """Numbers as an array of the kind, precision and device of `array`.

    Example:
        >>> make_like(np.zeros(3, np.float32), np.array([1.0, 2.0])).dtype
        dtype('float32')
    """
    if not is_tensor(array):
        return values.astype(array.dtype)
    torch = get_namespace(array)
    return torch.tensor(values, dtype=array.dtype, device=array.device)
