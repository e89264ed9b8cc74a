"""A process or a data loader's worker that is lost ends the job, and the log says why."""

import os
import subprocess
import time

import pytest
from tiny_jobs import INDEPENDENT, free_port, run_ranks
from tiny_runs import HERE, NO_VALIDATION, ROOT

pytestmark = pytest.mark.slow


def test_neighbour_of_a_killed_process_ends_within_seconds(write_config, tmp_path):
    from gm_pose.cli import train

    hook = dict(type='KillHook', where='before_train_iter', iteration=2, rank=1)
    config = write_config(
        f'{NO_VALIDATION}{INDEPENDENT}custom_hooks.append({hook!r})\n'
    )
    arguments = [
        str(config),
        '--work-dir',
        str(tmp_path / 'w'),
        '--launcher',
        'pytorch',
    ]
    first, second = run_ranks(lambda: train.main(arguments), tmp_path)
    seconds = time.time() - (tmp_path / 'w' / 'died').stat().st_mtime
    assert second.code == -9
    assert first.code not in (0, -9)
    assert seconds < 20
    logs = ''.join(path.read_text() for path in (tmp_path / 'w').glob('*/*.log'))
    assert 'stopped by ' in logs
    assert 'onnection' in logs  # gloo: connection closed, or reset, by peer


def test_killed_worker_of_one_process_ends_the_job_within_seconds(
    write_config, tmp_path
):
    from gm_pose.cli import train

    hook = dict(type='KillWorkerHook', iteration=1, rank=1)
    config = write_config(
        f"{NO_VALIDATION}train_cfg['max_epochs'] = 40\ncustom_hooks.append({hook!r})\n"
    )
    arguments = [
        str(config),
        '--work-dir',
        str(tmp_path / 'w'),
        '--launcher',
        'pytorch',
    ]
    ended = run_ranks(lambda: train.main(arguments), tmp_path)
    seconds = time.time() - (tmp_path / 'w' / 'died').stat().st_mtime
    assert [rank.code for rank in ended] == [70, 70], ended[0].tail
    assert seconds < 20
    record = next((tmp_path / 'w').glob('*/error_rank_1.txt')).read_text()
    assert "a data loader's worker was killed" in record


def test_error_of_one_process_ends_the_job_and_is_in_the_log(
    write_config, warm_python, tmp_path
):
    """Through the real launcher, as `mim train --launcher pytorch` starts it."""
    hook = dict(
        type='KillHook',
        where='before_train_iter',
        iteration=1,
        rank=1,
        error='provoked',
    )
    config = write_config(
        f'{NO_VALIDATION}{INDEPENDENT}custom_hooks.append({hook!r})\n'
    )
    command = [
        str(warm_python),
        '-m',
        'torch.distributed.launch',
        '--nproc_per_node=2',
        f'--master_port={free_port()}',
        str(ROOT / 'tools' / 'train.py'),
        str(config),
        '--work-dir',
        str(tmp_path / 'w'),
        '--launcher',
        'pytorch',
    ]
    path = os.pathsep.join([str(ROOT), str(HERE), os.environ.get('PYTHONPATH', '')])
    env = dict(os.environ, PYTHONPATH=path, OMP_NUM_THREADS='1')
    ended = subprocess.run(
        command, env=env, cwd=ROOT, capture_output=True, text=True, timeout=200
    )
    seconds = time.time() - (tmp_path / 'w' / 'died').stat().st_mtime
    assert ended.returncode != 0
    assert seconds < 30
    assert 'RuntimeError: provoked' in ended.stderr
    record = next((tmp_path / 'w').glob('*/error_rank_1.txt'))
    assert 'RuntimeError: provoked' in record.read_text()
