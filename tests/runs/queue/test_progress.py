import pytest

from gm_pose.runs.launch.time_left import format_time
from gm_pose.runs.queue.job import Job
from gm_pose.runs.queue.progress import describe_progress


def make_jobs(**counts: int) -> list[Job]:
    return [
        Job(f'{state}{n}', state, None, 1, 600.0 if state == 'done' else 0.0, '')
        for state, count in counts.items()
        for n in range(count)
    ]


def test_time_left_is_estimated_from_finished_jobs():
    # 6 waiting and 2 half-done jobs of 10 minutes each, 2 side by side: 7 * 10 / 2
    jobs = make_jobs(done=3, running=2, waiting=6)
    text = describe_progress(jobs, {}, {})
    assert text == '3 of 11 finished, 2 under way, 6 waiting, about 35 min left'


def test_time_left_before_the_first_end_is_from_the_pace_of_the_running_ones():
    # a quarter took 5 minutes: 20 each; 2 waiting and three quarters of one are left
    jobs = make_jobs(running=1, waiting=2)
    text = describe_progress(jobs, {'running0': 300.0}, {'running0': 0.25})
    assert text == '0 of 3 finished, 1 under way, 2 waiting, about 55 min left'


def test_failed_and_stopped_jobs_are_finished_and_take_no_time():
    jobs = make_jobs(done=1, failed=1, stopped=2, running=1)
    text = describe_progress(jobs, {}, {'running0': 0.5})
    assert text == '4 of 5 finished, 1 under way, 0 waiting, about 5 min left'


def test_nothing_is_known_at_the_start():
    text = describe_progress(make_jobs(running=1, waiting=1), {'running0': 3.0}, {})
    assert text == '0 of 2 finished, 1 under way, 1 waiting'


@pytest.mark.parametrize(
    ('seconds', 'text'), [(40, '40 s'), (125, '2 min'), (12600, '3.5 h')]
)
def test_durations(seconds, text):
    assert format_time(seconds) == text
