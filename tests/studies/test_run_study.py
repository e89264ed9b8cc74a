import json
import subprocess
import sys

import pytest

from gm_pose.ops import gaussian_targets, heatmap_decoding
from studies.kept_results import (
    RESULT_FORMAT,
    Run,
    format_result,
    judge_run,
    load_results,
)
from studies.run_study import describe_progress, run_all
from studies.run_versions import equals_fingerprint, take_fingerprints

FINGERPRINTS = dict(encoding=[1.0, 2.0], decoding=[3.0])


def write_result(folder, run, **changes):
    result = dict(
        format=RESULT_FORMAT, dataset=run.dataset, arm=run.arm, seed=run.seed,
        config_hash='c', fingerprints=dict(FINGERPRINTS),
    )  # fmt: skip
    result.update(changes)
    path = run.find_result(folder)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(format_result(result))
    return path


@pytest.mark.parametrize(
    ('changes', 'state'),
    [
        ({}, 'done'),
        (dict(config_hash='other'), 'stale'),
        (dict(fingerprints=dict(encoding=[1.0, 2.1], decoding=[3.0])), 'stale'),
        (dict(fingerprints=dict(encoding=[1.0, 2.0], decoding=[3.1])), 'other decoder'),
    ],
)
def test_state_of_a_kept_run(tmp_path, changes, state):
    path = write_result(tmp_path, Run('studio17', 'sub-u2.0', 0), **changes)
    assert judge_run(path, 'c', FINGERPRINTS) == state


def test_run_without_result_is_missing(tmp_path):
    assert judge_run(tmp_path / 'seed0.json', 'c', FINGERPRINTS) == 'missing'


def test_result_text_is_json_with_lists_on_one_line():
    value = dict(a=dict(b=[1, [2, 3]], c={}), d='x')
    text = format_result(value)
    assert json.loads(text) == value
    assert '  "b": [1, [2, 3]],\n' in text


def test_loading_refuses_what_is_no_result(tmp_path):
    path = write_result(tmp_path, Run('studio17', 'sub-u2.0', 0))
    assert [r['arm'] for r in load_results(tmp_path)] == ['sub-u2.0']
    moved = tmp_path / 'studio17' / 'sub-u1.5' / 'seed0.json'
    moved.parent.mkdir()
    path.rename(moved)
    with pytest.raises(ValueError, match='holds the result of'):
        load_results(tmp_path)
    moved.write_text('[]')
    with pytest.raises(ValueError, match='is no result of format'):
        load_results(tmp_path)
    moved.write_text('{"form')
    with pytest.raises(ValueError, match='is no JSON'):
        load_results(tmp_path)


def test_fingerprints_do_not_depend_on_the_call():
    first, second = take_fingerprints(), take_fingerprints()
    assert first == second
    assert not equals_fingerprint(first['encoding'], first['decoding'])


def test_fingerprint_notices_a_moved_target(monkeypatch):
    before = take_fingerprints()
    draw_exact = gaussian_targets.draw_exact

    def draw_moved(centers_cells, *args):
        return draw_exact(centers_cells + 0.01, *args)

    monkeypatch.setattr(gaussian_targets, 'draw_exact', draw_moved)
    after = take_fingerprints()
    assert not equals_fingerprint(before['encoding'], after['encoding'])


def test_fingerprint_notices_another_refinement(monkeypatch):
    before = take_fingerprints()
    monkeypatch.setattr(
        heatmap_decoding, 'refine_matched', lambda w, x, y, s: (x * 0, y * 0)
    )
    after = take_fingerprints()
    assert equals_fingerprint(before['encoding'], after['encoding'])
    assert not equals_fingerprint(before['decoding'], after['decoding'])


def start_python(code):
    return subprocess.Popen([sys.executable, '-c', code])


def test_failed_runs_are_reported_and_do_not_stop_the_others():
    runs = [Run('studio17', arm, 0) for arm in ('a', 'b', 'c')]
    messages = []
    codes = run_all(
        runs, lambda run: start_python(f'raise SystemExit({int(run.arm == "b")})'), 2,
        messages.append, poll_seconds=0.01,
    )  # fmt: skip
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
