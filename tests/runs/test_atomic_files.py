"""Files are the old ones or the new ones; a full disk is one sentence."""

import errno
import os
import signal
import subprocess
from pathlib import Path

import pytest
from tiny_runs import run_child

from gm_pose.inference.outputs.whole_file import write_whole
from gm_pose.runs.files import atomic_files
from gm_pose.runs.files.atomic_files import (
    explain_write_error,
    remove_partial_files,
    write_atomically,
)
from gm_pose.runs.files.atomic_local_backend import AtomicLocalBackend
from gm_pose.runs.user_errors import UserError


def test_file_is_replaced_and_nothing_else_is_left(tmp_path):
    path = tmp_path / 'file'
    for content in (b'old', b'new'):
        write_atomically(path, content)
        assert path.read_bytes() == content
    assert os.listdir(tmp_path) == ['file']


def test_a_pipe_or_a_device_is_not_replaced(tmp_path):
    os.mkfifo(tmp_path / 'pipe')
    (tmp_path / 'link.json').symlink_to('/dev/null')
    for path in (tmp_path / 'pipe', tmp_path / 'link.json'):
        with pytest.raises(OSError, match='not supported') as raised:
            write_atomically(path, b'new')
        assert 'device or a pipe' in str(explain_write_error(raised.value, str(path)))
        refused = pytest.raises(UserError, match='name a file with --out')
        with refused, write_whole(path) as partial:
            partial.write_bytes(b'new')
    assert (tmp_path / 'pipe').is_fifo()
    assert (tmp_path / 'link.json').readlink() == Path('/dev/null')
    assert sorted(os.listdir(tmp_path)) == ['link.json', 'pipe']


@pytest.mark.parametrize('step', ['fsync', 'replace'])
def test_old_file_stands_when_killed_while_writing(step, tmp_path, monkeypatch):
    path = tmp_path / 'file'
    path.write_bytes(b'old')

    def die(*_):
        os.kill(os.getpid(), signal.SIGKILL)

    def task():
        monkeypatch.setattr(atomic_files.os, step, die)
        write_atomically(path, b'new' * 100_000)

    assert run_child(task, tmp_path / 'log').code == -signal.SIGKILL
    assert path.read_bytes() == b'old'
    (left,) = tmp_path.glob('.file.*.part')
    assert remove_partial_files(tmp_path) == [left.name]
    assert sorted(os.listdir(tmp_path)) == ['file', 'log']


def test_two_writers_of_a_file_do_not_disturb_each_other(tmp_path, monkeypatch):
    """Another writes the whole file while the first is at its fsync."""
    path, original, inner = tmp_path / 'file', os.fsync, []

    def interleave(descriptor):
        if not inner:
            inner.append(True)
            write_atomically(path, b'second')
            assert path.read_bytes() == b'second'
        original(descriptor)

    monkeypatch.setattr(atomic_files.os, 'fsync', interleave)
    write_atomically(path, b'first, longer')
    assert path.read_bytes() == b'first, longer'
    assert os.listdir(tmp_path) == ['file']


def test_what_killed_writers_left_goes_after_a_day(tmp_path):
    old, new, other = (
        tmp_path / name for name in ('.a[1].0.part', '.a[1].1.part', '.b.0.part')
    )
    for path in (old, new, other):
        path.touch()
        if path != new:
            os.utime(path, (0, 0))
    write_atomically(tmp_path / 'a[1]', b'')
    assert sorted(os.listdir(tmp_path)) == sorted(['a[1]', new.name, other.name])


def test_old_file_stands_when_the_system_refuses_the_size(tmp_path):
    path = tmp_path / 'file'
    path.write_bytes(b'old')

    def task():
        import resource

        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
        try:
            AtomicLocalBackend().put(b'x' * 2000, path)
        except UserError as error:
            print(error)

    ended = run_child(task, tmp_path / 'log')
    assert f'cannot save {path} (EFBIG)' in ended.output
    assert '--resume' in ended.output
    assert path.read_bytes() == b'old'
    assert sorted(os.listdir(tmp_path)) == ['file', 'log']


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 256 KiB; skipped where mounting is not allowed."""
    folder = tmp_path / 'disk'
    folder.mkdir()
    command = ['mount', '-t', 'tmpfs', '-o', 'size=256k', 'tmpfs', str(folder)]
    if subprocess.run(command, capture_output=True).returncode != 0:
        pytest.skip('mounting a small disk needs privileges')
    yield folder
    subprocess.run(['umount', str(folder)], check=True)


def test_old_file_stands_when_the_disk_is_full(small_disk):
    path = small_disk / 'file'
    path.write_bytes(b'old' * 20_000)
    with pytest.raises(
        UserError, match=r'\(ENOSPC\): the disk is full: free some space'
    ):
        AtomicLocalBackend().put(b'x' * 250_000, path)
    assert path.read_bytes() == b'old' * 20_000
    assert os.listdir(small_disk) == ['file']
    AtomicLocalBackend().put(b'x' * 150_000, path)
    assert path.stat().st_size == 150_000


@pytest.mark.parametrize('code', [errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS])
def test_error_text_names_file_code_and_remedy(code, tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(atomic_files.os, 'fsync', refuse)
    with pytest.raises(UserError) as error:
        AtomicLocalBackend().put(b'x', tmp_path / 'epoch_3.pth')
    assert 'epoch_3.pth' in str(error.value)
    assert errno.errorcode[code] in str(error.value)
    assert ': ' in str(error.value)
    assert os.listdir(tmp_path) == []


def test_text_is_written_too(tmp_path):
    AtomicLocalBackend().put_text('epoch_1.pth', tmp_path / 'new' / 'last_checkpoint')
    assert (tmp_path / 'new' / 'last_checkpoint').read_text() == 'epoch_1.pth'
