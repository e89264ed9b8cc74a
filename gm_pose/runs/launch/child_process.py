"""A process that runs for this one, writes into a log and ends with it."""

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

__all__ = ['end_with_parent', 'read_last_line', 'start_child']

_SET_PARENT_DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG of linux/prctl.h
_TAIL_BYTES = 4096


def end_with_parent(parent: int) -> None:
    """Let the kernel kill this process once its parent has ended (Linux; else nothing).

    Args:
        parent: number of the parent, which may have ended already.
    """
    if sys.platform != 'linux':
        return
    ctypes.CDLL(None).prctl(_SET_PARENT_DEATH_SIGNAL, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


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
    parent = os.getpid()
    with log.open('ab') as output:
        return subprocess.Popen(
            list(command),
            cwd=folder,
            env={**os.environ, **(variables or {})},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=lambda: end_with_parent(parent),
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
