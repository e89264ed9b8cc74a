"""Reading a pickle of predictions with nothing in it executed.

`mim test --dump` writes a pickle: a list of dicts with numpy arrays and, for some models,
tensors. A pickle may call what it may name, so the names that such a file needs are bound
to records that check plain values (see `runs/host/checkpoints/safe_types.py`), and every
other name is refused.
"""

import io
import pickle
from collections import OrderedDict
from typing import Any

from gm_pose.runs.host.checkpoints.safe_types import SAFE_TYPES, restore
from gm_pose.runs.user_errors import UserError

__all__ = ['read_dump']

_MAX_BYTES = 16_000_000_000
# What reading a file that is no pickle, or half of one, ends in.
_DAMAGE = (
    ArithmeticError,
    AttributeError,
    EOFError,
    LookupError,
    MemoryError,
    RecursionError,
    TypeError,
    ValueError,
)


def read_dump(path: str) -> list[dict[str, Any]]:
    """Pickle file of `DumpResults` -> its samples, a dict each.

    Raises:
        UserError: the file is missing, damaged, carries anything but data, or is no list of
            samples with `pred_instances`.
    """
    try:
        with open(path, 'rb') as file:
            if file.seek(0, 2) > _MAX_BYTES:
                raise UserError(
                    f'{path} has {file.tell()} bytes; expected at most {_MAX_BYTES}. Fix: '
                    'dump without heatmaps (model.test_cfg.output_heatmaps=False)'
                )
            file.seek(0)
            samples = restore(_DataUnpickler(file).load())
    except OSError as error:
        raise UserError(f'{path} cannot be read: {error.strerror}') from error
    except pickle.UnpicklingError as error:
        raise UserError(_explain(path, error)) from error
    except _DAMAGE as error:
        raise UserError(
            f'{path} is no pickle, or a damaged one ({type(error).__name__}: {error}). '
            'Fix: give the file that `mim test ... --dump FILE.pkl` wrote'
        ) from error
    if not isinstance(samples, list) or not all(map(_is_sample, samples)):
        raise UserError(
            f'{path} holds no list of samples with pred_instances. Fix: give the file that '
            '`mim test ... --dump FILE.pkl` wrote'
        )
    if not samples:
        raise UserError(f'{path} holds no predictions: the run tested nobody')
    return samples


def _is_sample(sample: Any) -> bool:
    return isinstance(sample, dict) and isinstance(sample.get('pred_instances'), dict)


def _explain(path: str, error: pickle.UnpicklingError) -> str:
    text = str(error)
    if text.startswith('refused '):
        return (
            f'{path} was refused: it carries the Python object {text[8:]}, which could run '
            'code. Fix: give a dump of `mim test`, or its predictions as a COCO results '
            'JSON'
        )
    return (
        f'{path} is no pickle, or a damaged one ({text}). Fix: give the file that '
        '`mim test ... --dump FILE.pkl` wrote'
    )


class _DataUnpickler(pickle.Unpickler):
    """Knows the names below and no others."""

    def find_class(self, module: str, name: str) -> Any:
        full = f'{module}.{name}'
        if full in _NAMES:
            return _NAMES[full]
        raise pickle.UnpicklingError(f'refused {full}')

    def persistent_load(self, pid: Any) -> Any:
        raise pickle.UnpicklingError(f'refused persistent id {pid!r:.40}')


def _encode(text: object, encoding: object) -> bytes:
    """Stands for `_codecs.encode`, by which old protocols write bytes."""
    if type(text) is not str or encoding != 'latin1':
        raise pickle.UnpicklingError(f'refused _codecs.encode to {encoding!r:.40}')
    return text.encode('latin1')


def _make_array(buffer: object, dtype: object, shape: object, order: object) -> Any:
    """Stands for numpy's `_frombuffer`, by which protocol 5 writes arrays."""
    if not isinstance(buffer, (bytes, bytearray)):
        raise pickle.UnpicklingError('refused an array that is not made of bytes')
    record = SAFE_TYPES['numpy.ndarray']()
    record.__setstate__((1, shape, dtype, order == 'F', bytes(buffer)))
    return record


def _load_storage(content: object) -> Any:
    """Stands for `torch.storage._load_from_bytes`, which loads a pickle in the pickle."""
    import torch

    if type(content) is not bytes:
        raise pickle.UnpicklingError('refused a storage that is not made of bytes')
    return torch.load(io.BytesIO(content), map_location='cpu', weights_only=True)


def _rebuild_tensor(storage: Any, *arguments: Any) -> Any:
    """Stands for `torch._utils._rebuild_tensor_v2` -> array, bounds checked by torch."""
    import torch

    if not isinstance(storage, torch.storage.TypedStorage):
        raise pickle.UnpicklingError('refused a tensor without a storage')
    tensor = torch._utils._rebuild_tensor(storage, *arguments[:3])
    return tensor.numpy()


_NAMES: dict[str, Any] = {
    **{name: value for name, value in SAFE_TYPES.items() if name.startswith('numpy')},
    'builtins.bytes': SAFE_TYPES['builtins.bytes'],
    '_codecs.encode': _encode,
    'numpy.core.numeric._frombuffer': _make_array,
    'numpy._core.numeric._frombuffer': _make_array,
    'collections.OrderedDict': OrderedDict,
    'torch._utils._rebuild_tensor_v2': _rebuild_tensor,
    'torch.storage._load_from_bytes': _load_storage,
}
