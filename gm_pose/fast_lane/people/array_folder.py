"""A folder of .npy files that is there whole or not at all, mapped into memory."""

import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from gm_pose.runs.files.cache_folder import hash_file

__all__ = ['DamagedFolder', 'read_arrays', 'write_arrays']

_MANIFEST = 'manifest.json'


class DamagedFolder(Exception):
    """A folder that is not what was written; the text says in what."""


def write_arrays(
    folder: Path, arrays: Mapping[str, np.ndarray], notes: Mapping[str, Any]
) -> None:
    """Write arrays beside `folder`, then give them its name; an older folder goes.

    Only for one process at a time: the caller holds a lock.

    Args:
        folder: takes the name in one step (rename), so that no reader sees a part.
        arrays: name -> array.
        notes: kept in the manifest, as JSON.

    Raises:
        OSError: as the file system gave it; nothing is left.
    """
    partial = folder.with_name(f'.{folder.name}.{os.getpid()}.part')
    for left in folder.parent.glob(f'.{folder.name}.*'):  # by a build that was killed
        shutil.rmtree(left, ignore_errors=True)
    partial.mkdir(parents=True)
    try:
        files = {}
        for name, array in arrays.items():
            path = partial / f'{name}.npy'
            with open(path, 'wb') as file:
                np.save(file, np.ascontiguousarray(array), allow_pickle=False)
                file.flush()
                os.fsync(file.fileno())
            stat = path.stat()
            files[name] = dict(
                size=stat.st_size, mtime_ns=stat.st_mtime_ns, hash=hash_file(path)
            )
        manifest = json.dumps(dict(files=files, notes=dict(notes)))
        with open(partial / _MANIFEST, 'w') as file:
            file.write(manifest)
            file.flush()
            os.fsync(file.fileno())
        if folder.exists():  # damaged: processes that map it keep what they have
            old = folder.with_name(f'.{folder.name}.{os.getpid()}.old')
            os.replace(folder, old)
            shutil.rmtree(old, ignore_errors=True)
        os.replace(partial, folder)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise


def read_arrays(
    folder: Path, verify: bool = False
) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Map the arrays of a folder -> (name -> read-only array, notes).

    Sizes and headers are compared with the manifest; the bytes of a file are hashed only
    if its time stamp is not the one written, as after an edit or a copy.

    Args:
        folder: as written by `write_arrays`.
        verify: hash every file.

    Raises:
        FileNotFoundError: there is no such folder.
        DamagedFolder: a file is missing, or not the one that was written.
    """
    if not folder.is_dir():
        raise FileNotFoundError(folder)
    try:
        manifest = json.loads((folder / _MANIFEST).read_bytes())
        files, notes = manifest['files'], manifest['notes']
        arrays = {}
        for name, expected in files.items():
            path = folder / f'{name}.npy'
            stat = path.stat()
            if stat.st_size != expected['size']:
                raise DamagedFolder(
                    f'{path} has {stat.st_size} bytes; expected {expected["size"]}'
                )
            is_touched = stat.st_mtime_ns != expected['mtime_ns']
            if (verify or is_touched) and hash_file(path) != expected['hash']:
                raise DamagedFolder(f'{path} was changed')
            arrays[name] = np.load(path, mmap_mode='r', allow_pickle=False)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise DamagedFolder(f'{folder}: {error}') from error
    return arrays, notes
