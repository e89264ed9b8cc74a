"""One training run per work directory."""

import contextlib
import fcntl
import os
import os.path as osp
import socket
import time
from typing import IO

from gm_pose.runs.files.atomic_files import explain_write_error, remove_partial_files
from gm_pose.runs.user_errors import UserError

__all__ = ['WorkDirLock']

_NAME = '.gm_pose.lock'
_PROBE_BYTES = 1 << 20


class WorkDirLock:
    """Holds a work directory while a run writes into it.

    The lock is the kernel's: it ends with the process, however that ends, so a killed run
    never leaves a stale one. It is a POSIX lock (`lockf`), not `flock`, which a data
    loader's workers would inherit: they outlive a killed run by five seconds. Two runs
    in one directory would overwrite each other's checkpoints and `last_checkpoint`.

    Args:
        work_dir: folder of the run; made if it does not exist.

    Raises:
        UserError: on entering, if another run holds the folder, or it cannot be written.
    """

    def __init__(self, work_dir: str):
        self.work_dir = work_dir
        self._file: IO[str] | None = None
        self._made: list[str] = []

    def __enter__(self) -> 'WorkDirLock':
        path = osp.join(self.work_dir, _NAME)
        try:
            self._make_folder()
            self._file = open(path, 'a+')
            self._take()
            self._probe()
        except OSError as error:
            self._give_back()
            raise explain_write_error(error, self.work_dir, 'write into') from error
        except UserError:
            self._give_back()
            raise
        remove_partial_files(self.work_dir)
        return self

    def __exit__(self, *_: object) -> None:
        # The file stays: removing it would let a third run lock a new file of this name
        # while a second one has just locked the removed one.
        if self._file is not None:
            self._file.close()
            self._file = None

    def _make_folder(self) -> None:
        """Make the folder, remembering which of its parents are ours to remove."""
        folder = osp.abspath(self.work_dir)
        missing = []
        while not osp.isdir(folder):
            missing.append(folder)
            parent = osp.dirname(folder)
            if osp.exists(folder) or parent == folder:
                break
            folder = parent
        os.makedirs(self.work_dir, exist_ok=True)
        self._made = missing

    def _take(self) -> None:
        file = self._file
        if file is None:
            return
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except (BlockingIOError, PermissionError):
            file.seek(0)
            owner = file.read().strip() or 'another process'
            file.close()
            self._file = None
            raise UserError(
                f'{self.work_dir} is in use by {owner}. Fix: wait for that run or stop it, '
                'or name another folder with --work-dir'
            ) from None
        file.truncate(0)
        started = time.strftime('%Y-%m-%d %H:%M:%S')
        file.write(f'process {os.getpid()} on {socket.gethostname()}, {started}\n')
        file.flush()

    def _probe(self) -> None:
        """Write and remove a megabyte, so that a full disk shows before the run."""
        path = osp.join(self.work_dir, '.gm_pose.probe')
        try:
            with open(path, 'wb') as file:
                file.write(bytes(_PROBE_BYTES))
                file.flush()
                os.fsync(file.fileno())
        finally:
            with contextlib.suppress(OSError):
                os.unlink(path)

    def _give_back(self) -> None:
        """Undo what `__enter__` wrote: a refused run leaves nothing behind."""
        if self._file is not None and self._made:
            with contextlib.suppress(OSError):
                os.unlink(self._file.name)
        self.__exit__()
        for folder in self._made:
            with contextlib.suppress(OSError):
                os.rmdir(folder)
