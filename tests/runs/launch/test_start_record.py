"""The command and the commit of a run, as its log has them."""

import subprocess
import sys

import pytest

from gm_pose.runs.launch.start_record import (
    describe_code,
    describe_command,
    list_start_records,
)
from gm_pose.version import __version__


def run_git(folder, *words):
    name = ['-c', 'user.name=n', '-c', 'user.email=n@example.org']
    subprocess.run(['git', *name, *words], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def repository(tmp_path):
    run_git(tmp_path, 'init')
    (tmp_path / 'file').write_text('1')
    run_git(tmp_path, 'add', 'file')
    run_git(tmp_path, 'commit', '-m', 'one')
    return tmp_path


def test_commit_and_changes_are_named(repository):
    clean = describe_code(str(repository))
    assert clean.startswith(f'gm_pose {__version__}, commit ')
    assert len(clean.split()[-1]) == 12
    (repository / 'file').write_text('2')
    assert describe_code(str(repository)) == f'{clean} with changes'


def test_no_repository_leaves_the_version(tmp_path, monkeypatch):
    monkeypatch.setenv('GIT_CEILING_DIRECTORIES', str(tmp_path.parent))
    assert describe_code(str(tmp_path)) == f'gm_pose {__version__}'


def test_command_can_be_pasted(monkeypatch):
    monkeypatch.setattr(sys, 'argv', ['tools/train.py', 'a b.py', '--fast'])
    assert describe_command() == "train.py 'a b.py' --fast"
    assert list_start_records()[0] == "Command: train.py 'a b.py' --fast"
