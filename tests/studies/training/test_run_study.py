import shutil
import sys

import pytest

from gm_pose.runs.launch.child_process import start_child
from gm_pose.runs.queue.job_table import JobTable
from studies.training import run_study
from studies.training.datasets import ROOT
from studies.training.result_files import RESULTS
from studies.training.run_study import main, parse_args


def test_listing_names_the_status_and_the_ap_of_every_run(capsys):
    assert main(['--list', '--variants', 'published-set1', '--seeds', '0', '9']) == 0
    _, kept, missing = capsys.readouterr().out.splitlines()
    words = ' '.join(kept.split())
    assert words == ('published-set1 seed 0 done select 52.3 / 61.3 report 48.8 / 56.8')
    assert ' '.join(missing.split()) == 'published-set1 seed 9 missing'


def test_former_option_and_former_names_are_accepted_with_warnings(capsys, tmp_path):
    shutil.copytree(
        RESULTS / 'studio17' / 'centered-set1', tmp_path / 'studio17' / 'centered-set1'
    )
    options = ['--seeds', '0', '--results', str(tmp_path)]
    with (
        pytest.warns(DeprecationWarning, match='--arms is now called --variants'),
        pytest.warns(
            DeprecationWarning, match="'ctr-set1' is now called 'centered-set1'"
        ),
    ):
        assert main(['--list', '--arms', 'ctr-set1', *options]) == 0
    assert 'centered-set1' in capsys.readouterr().out


def test_former_option_is_not_in_the_help(capsys):
    with pytest.raises(SystemExit):
        parse_args(['--help'])
    text = capsys.readouterr().out
    assert '--variants' in text
    assert '--arms' not in text


def test_error_texts(capsys):
    assert main(['--list', '--variants', 'sigma2']) == 2
    assert "run_study: no variant or group 'sigma2'" in capsys.readouterr().err
    for options, text in (
        ([], '--data is missing'),
        (['--list', '--jobs', '0'], '--jobs is 0; expected at least 1'),
    ):
        with pytest.raises(SystemExit):
            parse_args(options)
        assert text in capsys.readouterr().err


@pytest.mark.parametrize('name', ['run_study', 'make_report'])
def test_documented_commands_are_thin_entry_files(name):
    assert len((ROOT / 'studies' / f'{name}.py').read_text().splitlines()) < 15


@pytest.mark.parametrize('fails', [False, True])
def test_runs_go_through_the_packages_queue(capsys, monkeypatch, tmp_path, fails):
    command = f'raise SystemExit("no such sigma" if {fails} else 0)'
    started = []

    def start(run, args):
        started.append(run)
        return start_child(
            [sys.executable, '-c', command], run_study.find_log(run, args)
        )

    monkeypatch.setattr(run_study, 'start_run', start)
    options = ['--data', str(tmp_path), '--work-dir', str(tmp_path / 'work')]
    options += ['--results', str(tmp_path / 'results'), '--jobs', '2']
    # what was done once and has no result file is to be done again
    for _ in range(2):
        status = main([*options, '--variants', 'published-set1', '--seeds', '0', '1'])
        assert status == int(fails)
    assert [run.seed for run in started] == [0, 1, 0, 1]
    output = capsys.readouterr().out
    assert ('(no such sigma)' in output) == fails
    states = JobTable(tmp_path / 'work' / 'runs.sqlite').list_jobs().values()
    assert {job.state for job in states} == {'failed' if fails else 'done'}
