"""Run the jobs of a table side by side, until none is left."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from gm_pose.runs.launch.time_left import format_time
from gm_pose.runs.queue.job import OPEN_STATES, Job
from gm_pose.runs.queue.job_table import JobTable
from gm_pose.runs.queue.progress import describe_progress

__all__ = ['QueueSettings', 'RunningProcess', 'run_jobs']

MAX_ATTEMPTS = 3
"""Starts of a job that a signal ends: the kernel out of memory, or an operator."""


class RunningProcess(Protocol):
    """What `subprocess.Popen` is to the queue."""

    def poll(self) -> int | None: ...

    def terminate(self) -> None: ...

    def wait(self) -> int: ...


def _return_none(_: str) -> None:
    return None


def _return_empty(_: str) -> str:
    return ''


@dataclass(frozen=True)
class QueueSettings:
    """How a process works on a queue.

    Attributes:
        jobs: most that run side by side here.
        log: where lines about starts, ends and progress go.
        may_start: False: no further job starts here.
        review: called whenever a place is free, before the next job is taken; may stop
            jobs.
        explain: job -> why it failed, in one line.
        measure: job -> how much of it is done, 0 to 1; None: not known.
        poll_seconds: between looks at the processes, and beats.
        progress_seconds: between lines about progress.
    """

    jobs: int
    log: Callable[[str], None]
    may_start: Callable[[], bool] = lambda: True
    review: Callable[[], None] = lambda: None
    explain: Callable[[str], str] = _return_empty
    measure: Callable[[str], float | None] = _return_none
    poll_seconds: float = 2.0
    progress_seconds: float = 60.0


@dataclass
class _Place:
    """One of the jobs that run side by side."""

    name: str
    process: RunningProcess
    since: float = field(default_factory=time.monotonic)

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.since


def run_jobs(
    table: JobTable,
    names: Sequence[str],
    start: Callable[[str, int], RunningProcess],
    settings: QueueSettings,
) -> dict[str, Job]:
    """Run those of `names` that are open -> their state at the end.

    A job that fails does not end the others. One that a signal ended is started again, up
    to `MAX_ATTEMPTS` times. With nothing left to take, the jobs of other processes are
    waited for, and taken over if they stop. When this function is left by an exception
    (Ctrl-C), its processes are ended first and their jobs given back.

    Args:
        table: with all of `names`, see `JobTable.offer`.
        names: the jobs.
        start: job and number of its place, 0 to jobs - 1 -> process.
        settings: see there.
    """
    queue = _Queue(table, names, settings)
    try:
        while queue.has_more():
            queue.fill(start)
            time.sleep(settings.poll_seconds)
            queue.collect()
            queue.report()
    finally:
        queue.give_up()
    return queue.list_own()


class _Queue:
    """What one process holds of a table."""

    def __init__(self, table: JobTable, names: Sequence[str], settings: QueueSettings):
        self.table = table
        self.names = list(names)
        self.settings = settings
        self.places: dict[int, _Place] = {}
        self.reported = time.monotonic()
        self.waits_for: set[str] = set()

    def list_own(self) -> dict[str, Job]:
        wanted = set(self.names)
        return {n: job for n, job in self.table.list_jobs().items() if n in wanted}

    def has_more(self) -> bool:
        if self.places:
            return True
        if not self.settings.may_start():
            return False
        return any(job.state in OPEN_STATES for job in self.list_own().values())

    def fill(self, start: Callable[[str, int], RunningProcess]) -> None:
        """Start jobs in all free places."""
        for number in range(self.settings.jobs):
            if number in self.places or not self.settings.may_start():
                continue
            self.settings.review()
            name = self.table.claim(self.names)
            if name is None:
                break
            try:
                process = start(name, number)
            except BaseException:
                self.table.end(name, 'waiting')
                raise
            self.places[number] = _Place(name, process)
            self.settings.log(f'start   {name}')
        if not self.places:
            self._tell_waiting()

    def _tell_waiting(self) -> None:
        others = {
            f'{job.name} ({job.owner.place})'
            for job in self.list_own().values()
            if job.state == 'running' and job.owner is not None
        }
        if others - self.waits_for:
            self.settings.log(f'waiting for {", ".join(sorted(others))}')
        self.waits_for = others

    def collect(self) -> None:
        """Record what has ended, beat for the others."""
        for number, place in list(self.places.items()):
            code = place.process.poll()
            if code is not None:
                del self.places[number]
                self._record(place, code)
        lost = self.table.beat([place.name for place in self.places.values()])
        for number, place in list(self.places.items()):
            if place.name in lost:
                del self.places[number]
                _end(place.process)
                self.settings.log(f'lost    {place.name}: another process has taken it')

    def _record(self, place: _Place, code: int) -> None:
        name, took = place.name, f'after {format_time(place.seconds)}'
        if code == 0:
            self.table.end(name, 'done', place.seconds)
            self.settings.log(f'done    {name} {took}')
            return
        attempts = self.table.list_jobs()[name].attempts
        if code < 0 and attempts < MAX_ATTEMPTS:
            self.table.end(name, 'waiting', place.seconds)
            self.settings.log(f'killed  {name} {took}, by signal {-code}: starts again')
            return
        why = f'killed by signal {-code}' if code < 0 else self.settings.explain(name)
        self.table.end(name, 'failed', place.seconds, why or f'exit code {code}')
        self.settings.log(f'FAILED  {name} {took}: {why or f"exit code {code}"}')

    def report(self) -> None:
        """Say how far the queue is, once in a while."""
        if time.monotonic() - self.reported < self.settings.progress_seconds:
            return
        self.reported = time.monotonic()
        jobs = self.list_own()
        running = [name for name, job in jobs.items() if job.state == 'running']
        measured = {name: self.settings.measure(name) for name in running}
        self.settings.log(
            describe_progress(
                jobs.values(),
                {place.name: place.seconds for place in self.places.values()},
                {name: part for name, part in measured.items() if part is not None},
            )
        )

    def give_up(self) -> None:
        """End the processes that still run, and give their jobs back."""
        for place in self.places.values():
            place.process.terminate()
        for place in self.places.values():
            place.process.wait()
            self.table.end(place.name, 'waiting', place.seconds)
        self.places.clear()


def _end(process: RunningProcess) -> None:
    process.terminate()
    process.wait()
