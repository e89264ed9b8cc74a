"""A process that runs for this one, writes into a log and ends with it."""

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

__all__ = ['read_last_line', 'start_child']

_SET_PARENT_DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG of linux/prctl.h
_TAIL_BYTES = 4096


def start_child(
    command: Sequence[str],
    log: Path,
    variables: Mapping[str, str] | None = None,
    folder: str | Path | None = None,
) -> subprocess.Popen:
    """Start `command`, its output going to the end of a log.

    The child is out of reach of the terminal's Ctrl-C, which its parent answers. On Linux
    it dies with its parent, however that ends: a training whose starter was killed would
    otherwise go on where nobody expects it.

    Args:
        command: program and arguments.
        log: file; its folder is made.
        variables: environment variables beside this process's own.
        folder: to run in; None: this process's.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    library = ctypes.CDLL(None) if sys.platform == 'linux' else None
    parent = os.getpid()

    def end_with_parent() -> None:
        if library is None:
            return
        library.prctl(_SET_PARENT_DEATH_SIGNAL, signal.SIGKILL)
        if os.getppid() != parent:  # it has died before the call
            os._exit(1)

    with log.open('ab') as output:
        return subprocess.Popen(
            list(command),
            cwd=folder,
            env={**os.environ, **(variables or {})},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=end_with_parent,
        )


def read_last_line(log: Path) -> str:
    """The last line of a log that is not empty; '' where there is none."""
    try:
        with log.open('rb') as file:
            file.seek(max(file.seek(0, os.SEEK_END) - _TAIL_BYTES, 0))
            lines = file.read().decode(errors='replace').splitlines()
    except OSError:
        return ''
    return next((line.strip() for line in reversed(lines) if line.strip()), '')
