"""The error that ended a process, in the run's log too."""

import contextlib
import os.path as osp
import traceback
from collections.abc import Iterator
from pathlib import Path

from mmengine.runner import Runner

from gm_pose.runs.user_errors import UserError

__all__ = ['log_crash']

_LOST_WORKER = (
    "a data loader's worker was killed, by the kernel for lack of memory (see `dmesg`) "
    'or by somebody. Fix: lower num_workers or batch_size, or give more (shared) memory, '
    'and go on with --resume\n'
)


@contextlib.contextmanager
def log_crash(runner: Runner) -> Iterator[None]:
    """Write an error that leaves this block into the run's log, and let it go on.

    Process 0 writes into its log file; another one has none, and writes
    ``error_rank_N.txt`` beside it, since the launcher ends its neighbours before they
    could pass anything on. A user's mistake is its text, without a traceback.
    """
    try:
        yield
    except Exception as error:
        try:
            _record(runner, error)
        except RuntimeError:
            # PyTorch's signal handler tells of a lost worker wherever the process is, once
            _record(runner, error)
        raise


def _record(runner: Runner, error: Exception) -> None:
    text = f'stopped by {type(error).__name__}: {error}\n'
    if not isinstance(error, UserError):
        text += ''.join(traceback.format_exception(error))
        if _is_lost_worker(error, text):
            text += _LOST_WORKER
    if runner.rank == 0:
        runner.logger.error(text)
        return
    with contextlib.suppress(OSError):
        path = osp.join(runner.log_dir, f'error_rank_{runner.rank}.txt')
        Path(path).write_text(text)


def _is_lost_worker(error: Exception, text: str) -> bool:
    """Whether a data loader met the end of its worker.

    PyTorch says so if it notices first; if it was receiving a tensor at that moment, the
    connection breaks instead.
    """
    if isinstance(error, RuntimeError):
        return 'DataLoader worker (pid' in text
    broken = (ConnectionError, EOFError, FileNotFoundError)
    return isinstance(error, broken) and 'torch/multiprocessing/reductions.py' in text
