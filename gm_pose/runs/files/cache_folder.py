"""The folder of what is computed once and read by every later run.

Everything in it can be removed at any time: it is made again. `$GM_POSE_CACHE` names it,
else it is `~/.cache/gm_pose`.
"""

import contextlib
import fcntl
import hashlib
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path

from gm_pose.runs.files.atomic_files import explain_write_error, write_atomically
from gm_pose.runs.user_errors import UserError

__all__ = ['CACHE_VARIABLE', 'find_cache_folder', 'hash_file', 'hold_lock']

CACHE_VARIABLE = 'GM_POSE_CACHE'
_CHUNK_BYTES = 1 << 20
_SETTLED_NS = 3_000_000_000
"""A file changed later than this before it was hashed may change again within the same
time stamp; its hash is not kept."""


def find_cache_folder(cache_dir: str | os.PathLike | None = None) -> Path:
    """The folder named by the argument, else by `$GM_POSE_CACHE`, else `~/.cache/gm_pose`.

    Nothing is made: what is there can be read from a read-only folder.

    Raises:
        UserError: it begins with the home folder of a user who has none.
    """
    named = cache_dir or os.environ.get(CACHE_VARIABLE) or '~/.cache/gm_pose'
    folder = os.path.expanduser(named)
    if str(folder).startswith('~'):  # not known; a folder of that name would be made
        raise UserError(
            f'the cache folder is {named}, and {str(named).partition("/")[0]} is not known '
            f'on this machine. Fix: set ${CACHE_VARIABLE} to a folder, or $HOME'
        )
    return Path(folder).absolute()


def explain_cache_error(error: OSError, folder: Path) -> UserError:
    """The error for a cache folder that cannot be written."""
    return explain_write_error(
        error, str(folder), 'write into the cache folder', f'${CACHE_VARIABLE}'
    )


@contextlib.contextmanager
def hold_lock(path: Path, tells: bool = True) -> Iterator[None]:
    """Hold a lock file, and make its folder; other processes wait, and say so.

    The lock is the kernel's and ends with the process. It is a POSIX lock, like
    `WorkDirLock`'s: those are kept on network file systems, too.

    Args:
        path: of the lock file.
        tells: log that another process is waited for.

    Raises:
        UserError: the folder cannot be written, or its disk knows no locks.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC)
    except OSError as error:
        raise explain_cache_error(error, path.parent) from error
    try:
        try:
            fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except (BlockingIOError, PermissionError):
            if tells:
                from mmengine.logging import print_log

                print_log(f'waiting for another process that writes {path}', 'current')
            fcntl.lockf(descriptor, fcntl.LOCK_EX)
        except OSError as error:  # a network disk that knows no locks
            raise explain_cache_error(error, path.parent) from error
        yield
    finally:
        os.close(descriptor)


def hash_file(path: str | os.PathLike, cache_dir: Path | None = None) -> str:
    """blake2b of a file's bytes, 32 hexadecimal digits.

    Args:
        path: local file.
        cache_dir: folder that keeps hashes. A kept one is used while the file's size,
            both time stamps (the change time cannot be set back), inode and device are
            what they were. None reads the file every time.

    Raises:
        OSError: the file cannot be read.
    """
    path = os.path.realpath(path)
    if cache_dir is None:
        return _hash_bytes(path)
    name = hashlib.blake2b(path.encode(), digest_size=12).hexdigest()
    kept = cache_dir / 'hashes' / f'{name}.json'
    state = _read_state(path)
    with contextlib.suppress(OSError, ValueError, TypeError, KeyError):
        found = json.loads(kept.read_bytes())
        if found['state'] == state and found['path'] == path:
            return str(found['hash'])
    digest = _hash_bytes(path)
    is_settled = time.time_ns() - max(state[1:3]) > _SETTLED_NS
    if is_settled and _read_state(path) == state:
        with contextlib.suppress(OSError):
            kept.parent.mkdir(parents=True, exist_ok=True)
            content = dict(path=path, state=state, hash=digest)
            write_atomically(kept, json.dumps(content).encode())
    return digest


def _read_state(path: str) -> list[int]:
    stat = os.stat(path)
    return [stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino, stat.st_dev]


def _hash_bytes(path: str) -> str:
    digest = hashlib.blake2b(digest_size=16)
    with open(path, 'rb') as file:
        while chunk := file.read(_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()
