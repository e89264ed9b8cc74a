"""The error that ended a process, in the run's log too."""

import contextlib
import os.path as osp
import traceback
from collections.abc import Iterator
from pathlib import Path

from mmengine.runner import Runner

from gm_pose.engine.user_errors import UserError

__all__ = ['log_crash']


@contextlib.contextmanager
def log_crash(runner: Runner) -> Iterator[None]:
    """Write an error that leaves this block into the run's log, and let it go on.

    Process 0 writes into its log file; another one has none, and writes
    ``error_rank_N.txt`` beside it, since the launcher ends its neighbours before they
    could pass anything on. A user's mistake is its sentence, without a traceback.
    """
    try:
        yield
    except Exception as error:
        text = f'stopped by {type(error).__name__}: {error}\n'
        if not isinstance(error, UserError):
            text += ''.join(traceback.format_exception(error))
        if runner.rank == 0:
            runner.logger.error(text)
        else:
            with contextlib.suppress(OSError):
                path = osp.join(runner.log_dir, f'error_rank_{runner.rank}.txt')
                Path(path).write_text(text)
        raise
