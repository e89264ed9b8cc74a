import subprocess
import sys

import pytest

from studies.training.result_files import Run
from studies.training.run_queue import describe_progress, run_all


def start_python(code):
    return subprocess.Popen([sys.executable, '-c', code])


def test_failed_runs_are_reported_and_do_not_stop_the_others():
    runs = [Run('studio17', variant, 0) for variant in ('a', 'b', 'c')]
    messages = []
    codes = run_all(
        runs,
        lambda run: start_python(f'raise SystemExit({int(run.variant == "b")})'),
        2,
        messages.append,
        poll_seconds=0.01,
    )
    assert codes == {runs[0]: 0, runs[1]: 1, runs[2]: 0}
    assert sum('FAILED' in message for message in messages) == 1
    assert [m for m in messages if m.startswith('start')] == [
        f'start   {r}' for r in runs
    ]


def test_never_more_than_jobs_at_once(tmp_path):
    active = []

    class Process:
        returncode = 0

        def __init__(self):
            active.append(self)
            assert len(active) <= 2
            self.polls = 0

        def poll(self):
            self.polls += 1
            if self.polls < 3:
                return None
            active.remove(self)
            return 0

    runs = [Run('studio17', str(index), 0) for index in range(5)]
    codes = run_all(runs, lambda run: Process(), 2, lambda text: None, poll_seconds=0)
    assert len(codes) == 5


def test_interrupt_ends_the_processes_that_were_started():
    processes = []

    def start(run):
        processes.append(start_python('import time; time.sleep(60)'))
        return processes[-1]

    def interrupt(text):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_all([Run('studio17', 'a', 0)], start, 1, interrupt, poll_seconds=0.01)
    assert processes[0].poll() is not None


def test_nothing_starts_after_the_deadline():
    codes = run_all(
        [Run('studio17', 'a', 0)], pytest.fail, 1, print, may_start=lambda: False
    )
    assert codes == {}


def test_time_left_is_estimated_from_finished_runs():
    # 6 waiting and 2 half-done runs of 10 minutes each on 2 jobs: 7 * 10 / 2
    text = describe_progress(3, 2, 6, 900.0, [600.0, 600.0, 600.0], 2)
    assert text == '3 finished, 2 under way, 6 waiting, about 35 min left'
