"""The GPU benchmark: its jobs are processes of their own, rehearsed here on the CPU."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / 'benchmarks' / 'on_gpu.py'


@pytest.fixture(scope='module')
def on_gpu():
    spec = importlib.util.spec_from_file_location('on_gpu', SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_job_of_the_order_exists_and_none_is_left_out(on_gpu):
    from benchmarks.gpu.plan import JOBS, ORDER

    planned = {f'{section}:{job}' for section, jobs in JOBS.items() for job in jobs}
    assert set(ORDER) == planned - {'accuracy:accuracy'}
    assert len(ORDER) == len(set(ORDER))


def test_jobs_are_chosen_by_section_or_by_name(on_gpu):
    chosen = on_gpu.choose_jobs('network;loop:stock, 2 workers')
    assert [pair[:2] for pair in chosen] == [
        ('network', 'fastest'),
        ('network', 'half'),
        ('network', 'eager'),
        ('network', 'graph'),
        ('network', 'compiled'),
        ('loop', 'stock, 2 workers'),
    ]
    with pytest.raises(ValueError, match="job 'network:fp64' does not exist"):
        on_gpu.choose_jobs('network:fp64')


def start(code: str) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, '-c', code], stdin=subprocess.PIPE, start_new_session=True
    )


def test_a_job_gets_its_limit_and_its_end_is_reported(on_gpu):
    assert on_gpu.let_run(start('assert float(input()) == 30'), 30) is None
    failing = start('input(); raise SystemExit(3)')
    assert on_gpu.let_run(failing, 30) == 'exit code 3'


def test_a_job_that_hangs_is_killed(on_gpu):
    process = start('import time; time.sleep(60)')
    assert on_gpu.let_run(process, 0.5) == 'killed after 0 s'
    on_gpu.stop(process)
    assert process.returncode == -9


def test_report_has_the_rows_and_names_what_is_missing(on_gpu, tmp_path):
    from benchmarks.gpu.report import write_report
    from benchmarks.gpu.row_file import write_row

    write_row(tmp_path, section='machine', name='m', device='card', versions='torch 1')
    write_row(tmp_path, section='network', name='bf16', batch=64, people_per_s=1234.56)
    write_row(tmp_path, section='network', name='graph', failed='killed after 40 s')
    text = write_report(tmp_path)
    assert 'card, torch 1' in text
    assert '| bf16 | 64 | 1235 |' in text
    assert 'graph: not measured (killed after 40 s)' in text
    assert (tmp_path / 'on_gpu.md').read_text() == text


@pytest.mark.slow
def test_rehearsal_measures_every_row(warm_python, tmp_path):
    from benchmarks.gpu.row_file import read_rows

    jobs = 'network:fastest;ddp;data;product'
    command = [warm_python, SCRIPT, '--out', tmp_path, '--jobs', jobs, '--rehearse']
    command += ['--scratch', tmp_path / 'scratch']
    subprocess.run(command, check=True, timeout=900, capture_output=True)
    rows = read_rows(tmp_path)
    failed = [row for row in rows if 'failed' in row]
    assert not failed, (
        failed,
        [log.read_text()[-2000:] for log in tmp_path.glob('*.log')],
    )
    assert {row['section'] for row in rows} == {
        'machine',
        'network',
        'ddp',
        'data',
        'product',
    }
    assert {row['built_by'] for row in rows if row['section'] == 'network'} == {
        'MMPose'
    }
    assert all(row['people_per_s'] > 0 for row in rows if row['section'] != 'machine')


def test_committed_table_is_made_of_the_committed_rows() -> None:
    from benchmarks.gpu.report import make_report

    folder = Path(__file__).parents[2] / 'benchmarks'
    assert (folder / 'on_gpu.md').read_text() == make_report(
        folder / 'gpu' / 'measured'
    )
