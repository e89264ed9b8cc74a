"""Files that are either the old ones or the whole new ones, whenever the power goes."""

import contextlib
import errno
import glob
import os
import os.path as osp
import secrets
import stat
import time
from pathlib import Path

from gm_pose.runs.user_errors import UserError

__all__ = [
    'explain_write_error',
    'refuse_devices',
    'remove_partial_files',
    'write_atomically',
]

PARTIAL_SUFFIX = '.part'
_DAY_S = 24 * 3600

_REMEDIES = {
    errno.ENOSPC: 'the disk is full: free some space',
    errno.EDQUOT: 'the disk quota is used up: free some space',
    errno.EFBIG: 'the file is larger than this file system or `ulimit -f` allows',
    errno.EROFS: 'the file system is read-only: name another folder with --work-dir',
    errno.EACCES: 'permission denied: name a folder of yours with --work-dir',
    errno.EPERM: 'permission denied: name a folder of yours with --work-dir',
    errno.ENOTDIR: 'the path goes through a file: name a folder with --work-dir',
    errno.EEXIST: 'a file has this name: name a folder with --work-dir',
    errno.ENOENT: 'the folder was removed or cannot be made: name another --work-dir',
    errno.ENAMETOOLONG: 'the name is too long: name another --work-dir',
    errno.EOPNOTSUPP: 'it is a device or a pipe: name a file with --work-dir',
    errno.ENOLCK: 'its disk knows no locks: name a folder on another one with --work-dir',
    errno.EIO: 'the disk reports an error: name a folder on another one with --work-dir',
}


def explain_write_error(
    error: OSError, path: str, what: str = 'write', option: str = '--work-dir'
) -> UserError:
    """The error for an `OSError` that stopped writing `path`, which `option` names."""
    code = errno.errorcode.get(error.errno or 0, type(error).__name__)
    remedy = _REMEDIES.get(error.errno or 0, f'{error.strerror or error}')
    remedy = remedy.replace('--work-dir', option)
    return UserError(f'cannot {what} {path} ({code}): {remedy}')


def refuse_devices(path: str | Path) -> None:
    """Raise if `path` is a device, pipe or socket, which a rename would replace.

    As root, that would turn /dev/null into a regular file.

    Raises:
        OSError: EOPNOTSUPP, for a device, a pipe, a socket, or a link to one.
    """
    with contextlib.suppress(FileNotFoundError):
        mode = os.stat(path).st_mode
        if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
            reason = os.strerror(errno.EOPNOTSUPP)
            raise OSError(errno.EOPNOTSUPP, reason, str(path))


def write_atomically(path: str | Path, data: bytes) -> None:
    """Write `data` so that `path` holds its old content or all of the new one.

    The bytes go into a hidden file beside it, reach the disk (fsync), and take the name
    in one step (rename); the folder is synced too, since a rename lives in the folder.
    Each call has a hidden file of its own, so that of several writers the last one wins.
    What writers of `path` that were killed left is removed after a day.

    Raises:
        OSError: as the file system gave it; `path` is untouched and nothing is left.
    """
    refuse_devices(path)
    folder, name = osp.split(osp.abspath(path))
    _remove_left(folder, name)
    partial = osp.join(folder, f'.{name}.{secrets.token_hex(4)}{PARTIAL_SUFFIX}')
    try:
        with open(partial, 'wb') as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, path)
    except BaseException:
        if osp.exists(partial):
            os.unlink(partial)
        raise
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError:  # some network file systems refuse to sync a folder
        pass
    finally:
        os.close(descriptor)


def _remove_left(folder: str, name: str) -> None:
    """Of a file's writers, those that have written nothing for a day are dead."""
    pattern = osp.join(glob.escape(folder), f'.{glob.escape(name)}.*{PARTIAL_SUFFIX}')
    for path in glob.glob(pattern):
        with contextlib.suppress(OSError):
            if time.time() - os.stat(path).st_mtime > _DAY_S:
                os.unlink(path)


def remove_partial_files(folder: str | Path) -> list[str]:
    """Remove what a killed `write_atomically` left in `folder` -> names removed.

    Only for the one process that owns the folder (see `WorkDirLock`).
    """
    names = [
        name
        for name in os.listdir(folder)
        if name.startswith('.') and name.endswith(PARTIAL_SUFFIX)
    ]
    for name in names:
        os.unlink(osp.join(folder, name))
    return names
