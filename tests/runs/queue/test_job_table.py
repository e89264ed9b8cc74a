import threading
from dataclasses import replace

import pytest
from queues import ELSEWHERE, list_states, start_python

from gm_pose.runs.queue import job_table
from gm_pose.runs.queue.job import Owner, find_own_process
from gm_pose.runs.queue.job_table import JobTable
from gm_pose.runs.user_errors import UserError


def test_jobs_are_taken_in_their_order_and_only_those_asked_for(table):
    table.offer(['b', 'a', 'c'])
    assert [table.claim(['a', 'c']) for _ in range(3)] == ['a', 'c', None]
    assert list_states(table) == {'b': 'waiting', 'a': 'running', 'c': 'running'}


def test_offering_again_keeps_states_but_those_to_be_repeated(table):
    table.offer(['a', 'b'])
    for state in ('failed', 'done'):
        table.end(table.claim(['a', 'b']), state, 2.0, 'why')
    table.offer(['c', 'a', 'b'])
    assert list_states(table) == {'c': 'waiting', 'a': 'failed', 'b': 'done'}
    table.offer(['c', 'a', 'b'], again=['failed'])
    job = table.list_jobs()['a']
    assert (job.state, job.attempts, job.seconds, job.note) == ('waiting', 0, 2.0, '')


def test_no_job_is_taken_twice(table):
    names = [f'job{n}' for n in range(40)]
    table.offer(names)
    taken, barrier = [], threading.Barrier(4)

    def work(number):
        own = JobTable(table.path, replace(ELSEWHERE, pid=number))
        barrier.wait()
        while (name := own.claim(names)) is not None:
            taken.append(name)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(taken) == sorted(names)


def test_job_of_a_process_that_has_ended_is_free(table):
    process = start_python('')
    gone = replace(find_own_process(), pid=process.pid, started=1)
    process.wait()
    table.offer(['a'])
    assert JobTable(table.path, gone).claim(['a']) == 'a'
    assert table.claim(['a']) == 'a'
    assert table.list_jobs()['a'].attempts == 2


def test_job_of_a_live_process_is_not_free(table):
    table.offer(['a'])
    assert table.claim(['a']) == 'a'
    other = JobTable(table.path, replace(find_own_process(), machine='elsewhere/1'))
    assert other.claim(['a']) is None
    assert JobTable(table.path).claim(['a']) is None  # this process lives


def test_job_of_another_machine_is_free_once_its_beat_stands_still(table, monkeypatch):
    now = [1000.0]
    monkeypatch.setattr(job_table.time, 'monotonic', lambda: now[0])
    far = JobTable(table.path, ELSEWHERE)
    table.offer(['a'])
    far.claim(['a'])
    limit = job_table.TAKE_OVER_SECONDS
    for _ in range(3):  # as long as it beats, however long that takes
        assert table.claim(['a']) is None
        now[0] += limit + 1
        assert far.beat(['a']) == []
    assert table.claim(['a']) is None
    now[0] += limit - 1
    assert table.claim(['a']) is None
    now[0] += 2
    assert table.claim(['a']) == 'a'
    assert far.beat(['a']) == ['a']  # and it learns that the job is no longer its own
    far.end('a', 'done')
    assert list_states(table) == {'a': 'running'}


def test_only_waiting_jobs_are_stopped(table):
    table.offer(['a', 'b'])
    table.claim(['a'])
    for name in ('a', 'b'):
        table.stop(name, 'hopeless')
    assert list_states(table) == {'a': 'running', 'b': 'stopped'}
    assert table.list_jobs()['b'].note == 'hopeless'


def test_error_in_an_exclusive_block_changes_nothing(table):
    def stop_and_fail():
        with table.exclusive():
            table.stop('a', 'why')
            raise RuntimeError

    table.offer(['a'])
    with pytest.raises(RuntimeError):
        stop_and_fail()
    assert list_states(table) == {'a': 'waiting'}


def test_owner_is_read_back():
    owner = find_own_process()
    assert Owner.parse(str(owner)) == owner
    assert not owner.is_gone()
    assert replace(owner, started=owner.started + 1).is_gone()
    assert ELSEWHERE.place == 'process 12 on othernode'


def test_file_that_is_no_table(tmp_path):
    path = tmp_path / 'runs.sqlite'
    path.write_text('no database, but long enough to be looked at as one' * 20)
    with pytest.raises(UserError, match=r'runs.sqlite cannot be opened .* Fix: name'):
        JobTable(path)
