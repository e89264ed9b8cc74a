"""What a checkpoint's pickle may name besides tensors, and what stands under the names.

MMEngine's checkpoints hold, besides tensors: `HistoryBuffer` (the logged losses), numpy
arrays and scalars (data set metainfo, best scores), and `getattr` (`HistoryBuffer`'s
statistics, the annealing function of a one-cycle schedule). None of these names is bound
to the real object while a file is read. The reason is an attack that the plain allow-list
(`numpy.ndarray`, `numpy.dtype`, `_reconstruct`) lets through: a pickle may *call* what it
may name, and ``numpy.ndarray((1,), 'O', b'AAAAAAAA')`` makes numpy take eight bytes of the
file for a pointer to a Python object. numpy 1.26 and 2 both do it, and the process crashes
at an address that the file chose. Likewise `dtype.__setstate__` takes field offsets
outside of the item, and `HistoryBuffer.__setstate__` writes into a dict of its class.

So each name is bound to a record below, which takes plain values, checks them, and is
turned into the real object by `restore` after the file is closed.
"""

import math
import pickle
import re
from typing import Any, Literal

import numpy as np
from mmengine.logging import HistoryBuffer
from mmengine.optim.scheduler.param_scheduler import OneCycleParamScheduler

# bool, integers, floats, complex numbers, text: nothing that holds or points to objects
_DTYPE_CODE = re.compile(r'b1|[iufc]\d{1,2}|[US]\d{1,9}')


class DtypeRecord:
    """Stands for `numpy.dtype`."""

    def __init__(
        self, code: object, align: object = False, copy: object = True
    ) -> None:
        if not isinstance(code, str) or not _DTYPE_CODE.fullmatch(code):
            raise pickle.UnpicklingError(f'a numpy dtype {code!r}')
        self.dtype = np.dtype(code)

    def __setstate__(self, state: Any) -> None:
        _, byte_order, subarray, names, fields = state[:5]
        if (subarray, names, fields) != (None, None, None):
            raise pickle.UnpicklingError('a structured numpy dtype')
        if byte_order in ('<', '>'):
            self.dtype = self.dtype.newbyteorder(byte_order)


class ArrayRecord:
    """Stands for `numpy.ndarray`; `value` is the array once the state is there."""

    value: np.ndarray | None = None

    def __init__(self, *arguments: object) -> None:
        if arguments:
            raise pickle.UnpicklingError('a numpy array made from a buffer')

    def __setstate__(self, state: Any) -> None:
        _, shape, dtype, is_fortran, data = state
        if type(dtype) is not DtypeRecord or type(data) is not bytes:
            raise pickle.UnpicklingError('a numpy array of Python objects')
        sizes_fit = all(type(size) is int and size >= 0 for size in shape)
        if not sizes_fit or math.prod(shape) * dtype.dtype.itemsize != len(data):
            raise pickle.UnpicklingError(f'a numpy array of impossible shape {shape}')
        order: Literal['F', 'C'] = 'F' if is_fortran else 'C'
        self.value = np.ndarray(shape, dtype.dtype, data, order=order).copy(order)


class HistoryBufferRecord:
    """Stands for MMEngine's `HistoryBuffer`; its statistics' names are not needed."""

    state: dict | None = None

    def __setstate__(self, state: Any) -> None:
        self.state = state


class OneCycleRecord:
    """Stands for MMEngine's OneCycleParamScheduler, as the owner of two functions."""


# HistoryBuffer has its statistics anyway. The annealing functions are plain maths.
_ATTRIBUTES: dict[tuple[object, object], Any] = {
    **{(HistoryBufferRecord, name): None for name in ('min', 'max', 'mean', 'current')},
    **{
        (OneCycleRecord, name): getattr(OneCycleParamScheduler, name)
        for name in ('_annealing_cos', '_annealing_linear')
    },
}


def reconstruct(kind: object, shape: object, code: object) -> ArrayRecord:
    """Stands for numpy's `_reconstruct`, which makes the array that a state follows."""
    if kind is not ArrayRecord:
        raise pickle.UnpicklingError(f'a numpy array of type {kind}')
    return ArrayRecord()


def make_scalar(dtype: object, data: object) -> Any:
    """Stands for numpy's `scalar`: raw bytes -> one number or text."""
    record = ArrayRecord()
    record.__setstate__((1, (), dtype, False, data))
    return np.asarray(record.value)[()]


def make_empty_bytes(*arguments: object) -> bytes:
    """Stands for `bytes`, called without arguments for the content of an empty array."""
    if arguments:
        raise pickle.UnpicklingError(f'bytes made of {arguments!r:.40}')
    return b''


def get_attribute(owner: object, name: object) -> Any:
    """Stands for `getattr`: how pickle writes a method; answers for those below alone."""
    if (owner, name) not in _ATTRIBUTES:
        raise pickle.UnpicklingError(f'getattr of {name!r}')
    return _ATTRIBUTES[owner, name]


# numpy 1 writes `numpy.core`, numpy 2 `numpy._core`; a file of either loads under both.
SAFE_TYPES: dict[str, Any] = {
    'mmengine.logging.history_buffer.HistoryBuffer': HistoryBufferRecord,
    'builtins.getattr': get_attribute,
    f'{OneCycleParamScheduler.__module__}.OneCycleParamScheduler': OneCycleRecord,
    'builtins.bytes': make_empty_bytes,
    'numpy.ndarray': ArrayRecord,
    'numpy.dtype': DtypeRecord,
    'numpy.core.multiarray._reconstruct': reconstruct,
    'numpy._core.multiarray._reconstruct': reconstruct,
    'numpy.core.multiarray.scalar': make_scalar,
    'numpy._core.multiarray.scalar': make_scalar,
}


def restore(value: Any, seen: dict[int, tuple[Any, Any]] | None = None) -> Any:
    """Value with records -> value with arrays and HistoryBuffers, containers in place.

    Raises:
        pickle.UnpicklingError: a record is incomplete or of the wrong content.
    """
    seen = {} if seen is None else seen  # id -> (value, kept alive with its id; result)
    if id(value) in seen:
        return seen[id(value)][1]
    result = value
    if isinstance(value, dict):
        seen[id(value)] = (value, value)
        for key in value:
            value[key] = restore(value[key], seen)
    elif type(value) is list:
        seen[id(value)] = (value, value)
        value[:] = [restore(item, seen) for item in value]
    elif type(value) is tuple:
        items = tuple(restore(item, seen) for item in value)
        if any(new is not old for new, old in zip(items, value, strict=True)):
            result = items
    elif type(value) is ArrayRecord:
        if value.value is None:
            raise pickle.UnpicklingError('a numpy array without content')
        result = value.value
    elif type(value) is HistoryBufferRecord:
        result = _make_history_buffer(value.state)
    elif type(value) is DtypeRecord:
        result = value.dtype
    seen[id(value)] = (value, result)
    return result


def _make_history_buffer(state: Any) -> HistoryBuffer:
    """Checked state -> HistoryBuffer with the default statistics."""
    state = state if type(state) is dict else {}
    histories = [restore(state.get(f'_{name}_history')) for name in ('log', 'count')]
    is_valid = type(state.get('max_length')) is int and all(
        type(h) is np.ndarray and h.ndim == 1 and h.dtype.kind in 'biuf'
        for h in histories
    )
    if not is_valid or len(histories[0]) != len(histories[1]):
        raise pickle.UnpicklingError('a HistoryBuffer without its two histories')
    buffer = HistoryBuffer(max_length=state['max_length'])
    buffer._log_history, buffer._count_history = histories
    return buffer
