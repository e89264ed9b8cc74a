"""Run single-threaded trainings side by side, and say how far they are."""

import signal
import subprocess
import time
from collections.abc import Callable

from studies.training.result_files import Run

POLL_SECONDS = 2.0
PROGRESS_SECONDS = 60.0


def run_all(
    runs: list[Run],
    start: Callable[[Run], subprocess.Popen],
    jobs: int,
    log: Callable[[str], None],
    may_start: Callable[[], bool] = lambda: True,
    poll_seconds: float = POLL_SECONDS,
) -> dict[Run, int]:
    """Run `runs`, at most `jobs` at once -> exit codes of those that were started.

    A run that fails is logged and does not end the others. When this function is left by
    an exception (Ctrl-C), the processes that it started are ended first.
    """
    waiting, codes = list(runs), {}
    active: dict[Run, tuple[subprocess.Popen, float]] = {}
    durations: list[float] = []
    started, logged = time.monotonic(), time.monotonic()
    try:
        while active or (waiting and may_start()):
            while waiting and len(active) < jobs and may_start():
                run = waiting.pop(0)
                active[run] = (start(run), time.monotonic())
                log(f'start   {run}')
            time.sleep(poll_seconds)
            for run, (process, since) in list(active.items()):
                if process.poll() is None:
                    continue
                del active[run]
                codes[run] = process.returncode
                seconds = time.monotonic() - since
                if process.returncode == 0:
                    durations.append(seconds)
                word = 'done   ' if process.returncode == 0 else 'FAILED '
                log(f'{word} {run} after {seconds / 60:.1f} min')
            if time.monotonic() - logged > PROGRESS_SECONDS:
                logged = time.monotonic()
                log(
                    describe_progress(
                        len(codes),
                        len(active),
                        len(waiting),
                        logged - started,
                        durations,
                        jobs,
                    )
                )
    finally:
        for process, _ in active.values():
            process.send_signal(signal.SIGTERM)
        for process, _ in active.values():
            process.wait()
    return codes


def describe_progress(
    finished: int,
    active: int,
    waiting: int,
    elapsed: float,
    durations: list[float],
    jobs: int,
) -> str:
    """One line: how many runs are finished, under way and left, and the time left."""
    text = f'{finished} finished, {active} under way, {waiting} waiting'
    if not durations:
        return f'{text}, {elapsed / 60:.0f} min so far'
    left = sum(durations) / len(durations) * (waiting + active / 2) / jobs
    return f'{text}, about {left / 60:.0f} min left'
