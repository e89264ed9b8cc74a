"""One job of a queue, and the process that holds it."""

import os
import socket
from dataclasses import dataclass
from pathlib import Path

__all__ = ['OPEN_STATES', 'STATES', 'Job', 'Owner', 'find_own_process']

STATES = ('waiting', 'running', 'done', 'failed', 'stopped')
OPEN_STATES = ('waiting', 'running')


@dataclass(frozen=True)
class Owner:
    """A process that works on a queue.

    Attributes:
        machine: host name and process namespace: two containers may share the first.
        pid: number of the process there.
        started: when it started, in the kernel's ticks: numbers are used again.
    """

    machine: str
    pid: int
    started: int

    def __str__(self) -> str:
        return f'{self.machine}:{self.pid}:{self.started}'

    @classmethod
    def parse(cls, text: str) -> 'Owner':
        """What `str` gave -> the owner."""
        machine, pid, started = text.rsplit(':', 2)
        return cls(machine, int(pid), int(started))

    @property
    def place(self) -> str:
        """'process 12 on node7', for messages."""
        return f'process {self.pid} on {self.machine.partition("/")[0]}'

    def is_gone(self) -> bool:
        """Whether the process has ended; False for one of another machine."""
        if self.machine != _name_machine():
            return False
        return _read_start(self.pid) != self.started


@dataclass(frozen=True)
class Job:
    """A row of the queue.

    Attributes:
        name: unique.
        state: one of `STATES`.
        owner: who runs it, or ran it last; None before the first start.
        attempts: how often it was started.
        seconds: of all attempts that ended.
        note: why it failed or was stopped.
    """

    name: str
    state: str
    owner: Owner | None
    attempts: int
    seconds: float
    note: str


def find_own_process() -> Owner:
    """The owner that this process is."""
    return Owner(_name_machine(), os.getpid(), _read_start(os.getpid()) or 0)


def _name_machine() -> str:
    try:
        namespace = os.readlink('/proc/self/ns/pid').strip('pid:[]')
    except OSError:
        namespace = ''
    return f'{socket.gethostname()}/{namespace}'


def _read_start(pid: int) -> int | None:
    """Start of a process in ticks since boot; None where it has ended (zombies too)."""
    try:
        # the name, in brackets, may hold anything
        fields = Path(f'/proc/{pid}/stat').read_text().rpartition(')')[2].split()
    except OSError:
        return None
    return None if fields[0] in ('Z', 'X') else int(fields[19])
