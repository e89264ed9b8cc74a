"""Reading a checkpoint file with nothing in it executed.

What is read is tensors, plain Python values, and the types of `safe_types.py`; all else is
refused. Values that MMEngine obeys when it resumes are dropped (`resumed_state.py`).
"""

import http.client
import logging
import os
import pickle
import re
import struct
import sys
import zipfile
from typing import Any
from urllib.parse import urlparse

import torch
from mmengine.logging import print_log

from gm_pose.runs.host.checkpoints.resumed_state import drop_unsafe_fields
from gm_pose.runs.host.checkpoints.safe_types import SAFE_TYPES, restore

# What reading a file that is no checkpoint, or half of one, ends in.
_DAMAGE = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    EOFError,
    LookupError,
    RecursionError,
    TypeError,
    ValueError,
    struct.error,
)
# No network or disk, a connection cut short, a wrong hash (torch.hub), no URL.
_DOWNLOAD_FAILURES = (
    OSError,
    http.client.HTTPException,
    RuntimeError,
    ValueError,
)
_DAMAGE_TEXT = re.compile(
    'PytorchStreamReader|TorchScript|EOF|corrupt|magic number|legacy .tar'
)
_GLOBAL = re.compile(r'GLOBAL (\S+)')
_TORCH_ADVICE = re.compile(r',?( or)?( types| classes)? allowlisted via `\w+`')
_NO_PICKLE = re.compile(r'Unsupported operand|invalid load key|Ran out of input')


class CheckpointError(ValueError):
    """A checkpoint file that was not loaded; the text is one line for the user."""


class DownloadError(OSError):
    """Weights that could not be fetched; the text is one line for the user."""


def load_checkpoint_file(path: str, map_location: Any = None) -> Any:
    """Checkpoint file -> its content, with nothing executed.

    Raises:
        FileNotFoundError: there is no such file.
        CheckpointError: the file carries something executable, or is damaged, or is no
            checkpoint; one line with the file's name, what it holds, what to do.
    """
    path = os.path.expanduser(path)
    if not os.path.isfile(path):
        what = 'is a folder' if os.path.isdir(path) else 'does not exist'
        raise FileNotFoundError(
            f'checkpoint {path} {what}. Fix: give the path of a .pth file; training '
            'writes epoch_N.pth into its work_dir'
        )
    try:
        checkpoint = restore(_read(path, map_location))
    except pickle.UnpicklingError as error:
        # from None: torch's own text ends in advice to switch safe loading off
        raise CheckpointError(_explain(path, error)) from None
    except _DAMAGE as error:
        raise CheckpointError(_explain(path, error)) from error
    except RuntimeError as error:
        if not _DAMAGE_TEXT.search(str(error)):
            raise  # about the device, not about the file
        raise CheckpointError(_explain(path, error)) from error
    for dropped in drop_unsafe_fields(checkpoint):
        print_log(f'{path}: ignoring {dropped}', 'current', logging.WARNING)
    return checkpoint


def _read(path: str, map_location: Any) -> Any:
    """File -> content with records."""
    with open(path, 'rb') as file:
        is_zip = file.read(2) == b'PK'
    if is_zip and not zipfile.is_zipfile(path):
        raise EOFError('its end is missing')
    before = torch.serialization.get_safe_globals()
    kept: list = [
        entry for entry in before if _get_pickled_name(entry) not in SAFE_TYPES
    ]
    records = [(value, name) for name, value in SAFE_TYPES.items()]
    try:
        # Not `safe_globals(records)`: somebody's own entry for numpy.ndarray would stay.
        torch.serialization.clear_safe_globals()
        torch.serialization.add_safe_globals(kept + records)
        return torch.load(path, map_location=map_location, weights_only=True)
    finally:
        torch.serialization.clear_safe_globals()
        torch.serialization.add_safe_globals(before)


def _get_pickled_name(entry: Any) -> str:
    """Entry of torch's safe globals -> the name in a pickle that it answers for."""
    if isinstance(entry, tuple):
        return entry[1]
    return f'{entry.__module__}.{entry.__qualname__}'


def _explain(path: str, error: Exception) -> str:
    """One line for the user, instead of advice to switch safe loading off."""
    # torch wraps the reason in its advice, and hides it by `raise ... from None`
    reason = error.__context__ or error
    text = _TORCH_ADVICE.sub('', str(reason).split('\n')[0])
    name = _GLOBAL.search(text)
    if isinstance(error, pickle.UnpicklingError) and not _NO_PICKLE.search(text):
        what = f'the Python object {name[1]}' if name else f'more than data ({text})'
        return (
            f'checkpoint {path} was refused: it carries {what}, which could run code. '
            'Fix: ask its author for a file of the state_dict alone'
        )
    return (
        f'checkpoint {path} is damaged or is no PyTorch checkpoint ({text}). Fix: copy '
        'or download it again, or resume from an earlier one'
    )


def load_url(
    url: str,
    model_dir: str | None = None,
    map_location: Any = None,
    progress: bool = True,
    check_hash: bool = False,
    file_name: str | None = None,
) -> Any:
    """Download once into torch's cache and load safely; arguments as in `torch.hub`.

    Raises:
        DownloadError: the download failed; the text says where to put the file instead.
        CheckpointError: as `load_checkpoint_file`.
    """
    folder = model_dir or os.path.join(torch.hub.get_dir(), 'checkpoints')
    name = file_name or os.path.basename(urlparse(url).path)
    path = os.path.join(folder, name)
    if not os.path.exists(path):
        sys.stderr.write(f'Downloading {url} to {path}\n')
        prefix = torch.hub.HASH_REGEX.search(name) if check_hash else None
        try:
            os.makedirs(folder, exist_ok=True)
            torch.hub.download_url_to_file(
                url, path, prefix and prefix[1], progress=progress
            )
        except _DOWNLOAD_FAILURES as error:
            raise DownloadError(
                f'pretrained weights {url} could not be downloaded ({error}). Fix: put '
                f'the file at {path}, name a local one (init_cfg.checkpoint of the '
                'backbone, or load_from), or set model.backbone.init_cfg=None'
            ) from error
    return load_checkpoint_file(path, map_location)
