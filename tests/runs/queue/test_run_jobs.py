import os
import signal
import sys
from pathlib import Path

import pytest
from queues import ELSEWHERE, list_states, make_settings, start_python

from gm_pose.runs.queue import job_table
from gm_pose.runs.queue.job_table import JobTable
from gm_pose.runs.queue.run_jobs import MAX_ATTEMPTS, run_jobs

ROOT = Path(__file__).parents[3]


def test_failed_jobs_are_reported_and_do_not_stop_the_others(table):
    names, messages = ['a', 'b', 'c'], []
    table.offer(names)
    jobs = run_jobs(
        table,
        names,
        lambda name, place: start_python(f'raise SystemExit({int(name == "b")})'),
        make_settings(2, messages.append, explain=lambda name: f'{name} is wrong'),
    )
    assert [job.state for job in jobs.values()] == ['done', 'failed', 'done']
    assert jobs['b'].note == 'b is wrong'
    failures = [m for m in messages if m.startswith('FAILED')]
    assert len(failures) == 1
    assert failures[0].endswith(': b is wrong')
    starts = [m for m in messages if m.startswith('start')]
    assert starts == [f'start   {name}' for name in names]


def test_never_more_than_jobs_at_once_and_each_place_once(table):
    active = {}

    class Process:
        def __init__(self, place):
            assert place not in active
            self.place = place
            active[place] = 0
            assert len(active) <= 2

        def poll(self):
            active[self.place] += 1
            if active[self.place] < 3:
                return None
            del active[self.place]
            return 0

    names = [str(number) for number in range(5)]
    table.offer(names)
    jobs = run_jobs(
        table,
        names,
        lambda name, place: Process(place),
        make_settings(2, poll_seconds=0),
    )
    assert {job.state for job in jobs.values()} == {'done'}


def test_interrupt_ends_the_processes_and_gives_their_jobs_back(table):
    processes = []

    def start(name, place):
        processes.append(start_python('import time; time.sleep(60)'))
        return processes[-1]

    def interrupt(text):
        raise KeyboardInterrupt

    table.offer(['a'])
    with pytest.raises(KeyboardInterrupt):
        run_jobs(table, ['a'], start, make_settings(1, interrupt))
    assert processes[0].poll() is not None
    assert list_states(table) == {'a': 'waiting'}


def test_start_that_raises_gives_the_job_back(table):
    def start(name, place):
        raise OSError('no such program')

    table.offer(['a'])
    with pytest.raises(OSError, match='no such program'):
        run_jobs(table, ['a'], start, make_settings())
    assert list_states(table) == {'a': 'waiting'}


def test_nothing_starts_after_the_deadline(table):
    table.offer(['a'])
    run_jobs(table, ['a'], pytest.fail, make_settings(may_start=lambda: False))
    assert list_states(table) == {'a': 'waiting'}


def test_killed_job_starts_again_but_not_for_ever(table):
    table.offer(['a'])
    messages = []
    jobs = run_jobs(
        table,
        ['a'],
        lambda name, place: start_python('import os; os.kill(os.getpid(), 9)'),
        make_settings(1, messages.append),
    )
    assert jobs['a'].note == f'killed by signal {signal.SIGKILL:d}'
    assert jobs['a'].attempts == MAX_ATTEMPTS
    assert sum(m.startswith('killed') for m in messages) == MAX_ATTEMPTS - 1


def test_review_may_stop_what_waits(table):
    names = ['a', 'b']
    table.offer(names)
    jobs = run_jobs(
        table,
        names,
        lambda name, place: start_python(''),
        make_settings(1, review=lambda: table.stop('b', 'hopeless')),
    )
    assert [job.state for job in jobs.values()] == ['done', 'stopped']


def test_job_of_a_silent_machine_is_waited_for_and_taken_over(table, monkeypatch):
    monkeypatch.setattr(job_table, 'TAKE_OVER_SECONDS', 0.2)
    table.offer(['a'])
    JobTable(table.path, ELSEWHERE).claim(['a'])
    messages = []
    jobs = run_jobs(
        table,
        ['a'],
        lambda name, place: start_python(''),
        make_settings(1, messages.append),
    )
    assert jobs['a'].state == 'done'
    assert messages[0] == 'waiting for a (process 12 on othernode)'


def test_process_whose_job_was_taken_is_ended(table):
    table.offer(['a'])
    processes = []

    def start(name, place):
        processes.append(start_python('import time; time.sleep(60)'))
        table._connection.execute('UPDATE jobs SET owner = ?', (str(ELSEWHERE),))
        other = JobTable(table.path, ELSEWHERE)
        other.end('a', 'done')
        return processes[0]

    messages = []
    jobs = run_jobs(table, ['a'], start, make_settings(1, messages.append))
    assert processes[0].poll() is not None
    assert jobs['a'].state == 'done'
    assert any(m.startswith('lost    a') for m in messages)


WORKER = """
import sys
sys.path.insert(0, sys.argv[2])
from queues import make_settings, start_python
from gm_pose.runs.queue.job_table import JobTable
from gm_pose.runs.queue.run_jobs import run_jobs
table = JobTable(sys.argv[1])
names = [f'job{n}' for n in range(8)]
table.offer(names)
code = "import sys; open(sys.argv[1], 'a').write(sys.argv[2] + '\\\\n')"
out = sys.argv[1] + '.txt'
run_jobs(table, names, lambda name, place: start_python(code, out, name), make_settings(2))
"""


def test_two_workers_share_the_jobs(table):
    workers = [
        start_python(WORKER, str(table.path), str(Path(__file__).parent))
        for _ in range(2)
    ]
    assert [worker.wait(60) for worker in workers] == [0, 0]
    lines = Path(f'{table.path}.txt').read_text().split()
    assert sorted(lines) == [f'job{n}' for n in range(8)]
    assert set(list_states(table).values()) == {'done'}


PARENT = """
import sys
from pathlib import Path
from gm_pose.runs.launch.child_process import start_child
command = [sys.executable, '-c', 'import time; time.sleep(60)']
child = start_child(command, Path(sys.argv[1]))
print(child.pid, flush=True)
import os; os.kill(os.getpid(), 9)
"""


@pytest.mark.skipif(sys.platform != 'linux', reason="the kernel's signal is Linux's")
def test_child_dies_with_a_killed_parent(tmp_path):
    import subprocess
    import time

    command = [sys.executable, '-c', PARENT, str(tmp_path / 'logs' / 'log.txt')]
    output = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    assert output.returncode == -signal.SIGKILL
    pid = int(output.stdout)
    deadline = time.monotonic() + 10
    while _is_alive(pid):
        assert time.monotonic() < deadline
        time.sleep(0.02)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
        state = Path(f'/proc/{pid}/stat').read_text().rpartition(')')[2].split()[0]
    except (ProcessLookupError, FileNotFoundError):
        return False
    return state != 'Z'
