"""Restricted unpickling for torch < 2.6.

There `torch.load` runs what a file says unless told not to, its ``weights_only=True``
reads no `HistoryBuffer` or numpy array at all, and can be led to run code
(CVE-2025-32434). `torch.load` takes another pickle module, though, in every version.
"""

import collections
import pickle
import types
import zipfile
from _codecs import encode
from typing import Any

import torch

from gm_pose.runs.host.checkpoints.safe_types import (
    SAFE_TYPES,
    ArrayRecord,
    DtypeRecord,
    HistoryBufferRecord,
)

_REBUILD = ('_rebuild_tensor', '_rebuild_tensor_v2', '_rebuild_parameter')
_DTYPES = [value for value in vars(torch).values() if isinstance(value, torch.dtype)]

ALLOWED: dict[str, Any] = {
    **SAFE_TYPES,
    'collections.OrderedDict': collections.OrderedDict,
    'collections.Counter': collections.Counter,  # the milestones of MultiStepLR
    '_codecs.encode': encode,  # how protocol 2 writes bytes
    'builtins.set': set,
    'torch.Size': torch.Size,
    'torch.device': torch.device,
    **{f'torch._utils.{name}': getattr(torch._utils, name) for name in _REBUILD},
    **{str(dtype): dtype for dtype in _DTYPES},
}
_BUILDABLE = (collections.OrderedDict, ArrayRecord, DtypeRecord, HistoryBufferRecord)


class Unpickler(pickle._Unpickler):
    """Finds the allowed names only, and sets the state of records only.

    In Python, not C, to check BUILD too: it may set attributes of whatever was named.
    """

    dispatch = dict(pickle._Unpickler.dispatch)

    def find_class(self, module: str, name: str) -> Any:
        module = 'builtins' if module == '__builtin__' else module  # protocol 2's name
        path = f'{module}.{name}'
        if path not in ALLOWED:
            raise pickle.UnpicklingError(f'Unsupported global: GLOBAL {path} ')
        return ALLOWED[path]

    def load_build(self) -> None:
        if type(self.stack[-2]) not in _BUILDABLE:
            raise pickle.UnpicklingError(f'a state of {type(self.stack[-2])}')
        super().load_build()

    dispatch[pickle.BUILD[0]] = load_build


def _load(file: Any, **options: Any) -> Any:
    return Unpickler(file, **options).load()


_PICKLE_MODULE = types.SimpleNamespace(
    __name__='gm_pose.runs.host.checkpoints.unpickler', Unpickler=Unpickler, load=_load
)


def load_restricted(path: str, map_location: Any) -> Any:
    """`torch.load` of a file through `Unpickler`."""
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            if any(name.endswith('/constants.pkl') for name in archive.namelist()):
                raise pickle.UnpicklingError('a TorchScript program')
    return torch.load(
        path,
        map_location=map_location,
        pickle_module=_PICKLE_MODULE,
        weights_only=False,
    )
