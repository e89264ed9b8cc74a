"""Work directories that are taken or cannot be made, told by the tools."""

import importlib
import os
import signal
import time

import pytest
from tiny_runs import NO_VALIDATION, refuse, save_checkpoint

from gm_pose.runs.files.work_dir_lock import WorkDirLock


def test_work_dir_that_another_run_holds_is_refused(
    write_config, tmp_path, capsys, tools
):
    from gm_pose.cli import train

    pid = os.fork()
    if pid == 0:
        with WorkDirLock(str(tmp_path / 'w')):
            (tmp_path / 'w' / 'ready').touch()
            time.sleep(60)
        os._exit(0)
    try:
        while not (tmp_path / 'w' / 'ready').exists():
            time.sleep(0.02)
        config = write_config(NO_VALIDATION)
        sentence = refuse(
            capsys, train.main, [config, '--work-dir', tmp_path / 'w'], tmp_path
        )
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    assert f'in use by process {pid}' in sentence
    assert '--work-dir' in sentence


@pytest.mark.parametrize('tool', ['train', 'test'])
def test_work_dir_that_cannot_be_made_is_refused(
    tool, write_config, tmp_path, capsys, tools
):
    """A file in its place; read-only and full ones are in test_work_dir_lock.py."""
    config = write_config(NO_VALIDATION if tool == 'train' else '')
    checkpoint = tmp_path / 'epoch_1.pth'
    save_checkpoint(config, checkpoint)
    (tmp_path / 'file').touch()
    words = [config, *([checkpoint] if tool == 'test' else [])]
    words += ['--work-dir', tmp_path / 'file' / 'w']
    main = importlib.import_module(f'gm_pose.cli.{tool}').main
    sentence = refuse(capsys, main, words, tmp_path)
    assert '--work-dir' in sentence
    assert str(tmp_path / 'file') in sentence
