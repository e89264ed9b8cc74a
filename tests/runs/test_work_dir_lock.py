"""One run per work directory; folders that cannot be written are told before the run."""

import os
import signal
import time

import pytest
from tiny_runs import run_child

from gm_pose.runs.files.work_dir_lock import WorkDirLock
from gm_pose.runs.user_errors import UserError


def test_second_run_is_refused_while_the_first_lives(tmp_path):
    pid = os.fork()
    if pid == 0:
        with WorkDirLock(str(tmp_path / 'w')):
            (tmp_path / 'ready').touch()
            time.sleep(60)
        os._exit(0)
    try:
        while not (tmp_path / 'ready').exists():
            time.sleep(0.02)
        with (
            pytest.raises(UserError, match=f'in use by process {pid} .*--work-dir'),
            WorkDirLock(str(tmp_path / 'w')),
        ):
            pass
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    with WorkDirLock(str(tmp_path / 'w')):  # a killed run leaves no lock behind
        pass


def test_lock_is_not_held_by_children(tmp_path):
    """A data loader's workers outlive a killed run by seconds."""

    def task():
        lock = WorkDirLock(str(tmp_path / 'w'))
        lock.__enter__()
        if os.fork() == 0:
            time.sleep(20)
            os._exit(0)
        os.kill(os.getpid(), signal.SIGKILL)

    assert run_child(task, tmp_path / 'log').code == -signal.SIGKILL
    with WorkDirLock(str(tmp_path / 'w')):
        pass


def test_partial_files_of_a_killed_run_are_removed(tmp_path):
    (tmp_path / '.epoch_1.pth.part').write_bytes(b'half')
    with WorkDirLock(str(tmp_path)):
        assert os.listdir(tmp_path) == ['.gm_pose.lock']


def test_file_in_place_of_the_folder_is_refused(tmp_path):
    path = tmp_path / 'file'
    path.write_text('kept')
    for work_dir in (path, path / 'below'):
        with pytest.raises(UserError, match='--work-dir'), WorkDirLock(str(work_dir)):
            pass
    assert path.read_text() == 'kept'
    assert os.listdir(tmp_path) == ['file']


def test_folder_without_write_permission_is_refused(tmp_path):
    folder = tmp_path / 'w'
    folder.mkdir(mode=0o555)

    def task():
        os.chdir(folder)  # as nobody, the folders above could not be passed
        if os.getuid() == 0:
            os.setuid(65534)  # root may write everywhere
        for work_dir in ('new', '.'):
            try:
                WorkDirLock(work_dir).__enter__()
            except UserError as error:
                print(error)

    ended = run_child(task, tmp_path / 'log')
    assert ended.output.count('permission denied') == 2, ended.output
    assert os.listdir(folder) == []


def test_full_disk_is_told_and_leaves_nothing(tmp_path):
    def task():
        import resource

        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
        try:
            WorkDirLock(str(tmp_path / 'a' / 'b')).__enter__()
        except UserError as error:
            print(error)

    ended = run_child(task, tmp_path / 'log')
    assert 'EFBIG' in ended.output
    assert os.listdir(tmp_path) == ['log']
