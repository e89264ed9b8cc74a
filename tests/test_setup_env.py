"""The set-up script: a missing prerequisite is one sentence, done work is skipped."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture
def setup_env(monkeypatch, tmp_path):
    path = ROOT / 'tools' / 'setup_env.py'
    spec = importlib.util.spec_from_file_location('setup_env', path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, 'ROOT', str(tmp_path))
    return module


def sentence_of(capsys) -> str:
    error = capsys.readouterr().err
    assert error.startswith('setup: ')
    assert error.count('\n') == 1
    return error


@pytest.mark.parametrize('version', [(3, 9, 1), (3, 14, 0), (2, 7, 18)])
def test_unsupported_python_is_one_sentence(setup_env, monkeypatch, capsys, version):
    monkeypatch.setattr(setup_env.sys, 'version_info', version)
    with pytest.raises(SystemExit) as end:
        setup_env.check_python()
    assert end.value.code == 1
    sentence = sentence_of(capsys)
    assert '.'.join(map(str, version)) in sentence
    assert '3.10 to 3.13' in sentence
    assert 'PYTHON=' in sentence


def test_missing_venv_module_is_one_sentence(setup_env, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, 'ensurepip', None)
    with pytest.raises(SystemExit):
        setup_env.check_python()
    assert 'python3-venv' in sentence_of(capsys)


def test_full_disk_is_one_sentence(setup_env, monkeypatch, capsys):
    usage = type('Usage', (), {'free': 1.5e9})
    monkeypatch.setattr(setup_env.shutil, 'disk_usage', lambda path: usage)
    with pytest.raises(SystemExit):
        setup_env.check_disk()
    assert '1.5' in sentence_of(capsys)


def test_folder_that_is_no_environment_is_left_alone(setup_env, tmp_path, capsys):
    folder = tmp_path / 'mine'
    folder.mkdir()
    (folder / 'thesis.tex').write_text('x')
    with pytest.raises(SystemExit):
        setup_env.make_venv(str(folder))
    assert 'mine' in sentence_of(capsys)
    assert (folder / 'thesis.tex').exists()


@pytest.fixture
def commands(setup_env, monkeypatch):
    """Commands that the setup would have run, on a disk that is large enough."""
    found: list[list[str]] = []
    monkeypatch.setattr(setup_env, 'run', lambda command, what: found.append(command))
    monkeypatch.setattr(setup_env, 'check_disk', lambda: None)
    return found


def make_environment(folder: Path, answer: str) -> Path:
    python = folder / 'bin' / 'python'
    python.parent.mkdir(parents=True)
    python.write_text(f'#!/bin/sh\n{answer}\n')
    python.chmod(0o755)
    return python


def test_environment_of_another_python_is_removed_only_if_it_is_ours(
    setup_env, commands, tmp_path, capsys
):
    folder = tmp_path / 'env'
    make_environment(folder, 'echo 3.1')
    with pytest.raises(SystemExit):
        setup_env.make_venv(str(folder))
    assert 'did not make it' in sentence_of(capsys)
    assert (folder / 'bin' / 'python').exists()

    (folder / '.gm_pose-stack').write_text('x')
    setup_env.make_venv(str(folder))
    assert commands[0][1:3] == ['-m', 'venv']
    assert not (folder / 'bin' / 'python').exists()


def test_environment_that_was_left_half_made_is_made_anew(
    setup_env, commands, tmp_path, capsys
):
    folder = tmp_path / 'env'
    make_environment(folder, 'exit 1')
    (folder / '.gm_pose-begun').write_text('3.11')
    setup_env.make_venv(str(folder))
    assert 'half made' in capsys.readouterr().out
    assert len(commands) == 1


def test_second_run_installs_nothing_and_a_change_installs_again(
    setup_env, commands, tmp_path, capsys
):
    (tmp_path / 'requirements').mkdir()
    (tmp_path / 'requirements' / 'stack.txt').write_text('torch\n')
    (tmp_path / 'gm_pose').mkdir()
    (tmp_path / 'gm_pose' / '__init__.py').write_text('')

    def install():
        commands.clear()
        setup_env.install('python', str(tmp_path), ['requirements/stack.txt'])
        return len(commands)

    assert install() == 2
    assert install() == 0
    assert 'installed already' in capsys.readouterr().out
    (tmp_path / 'gm_pose' / '__init__.py').write_text('x = 1\n')
    assert install() == 1
    assert '--no-deps' in commands[0]
    (tmp_path / 'requirements' / 'stack.txt').write_text('torch==2\n')
    assert install() == 1


def test_make_names_a_missing_interpreter():
    result = subprocess.run(
        ['make', 'setup', 'PYTHON=no-such-python'],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert result.returncode != 0
    assert 'setup: no-such-python was not found' in result.stderr


def test_everything_in_the_stack_is_pinned():
    text = (ROOT / 'requirements' / 'stack.txt').read_text()
    for line in text.splitlines():
        if line and not line.startswith(('#', './')):
            assert '==' in line, f'{line} is not pinned'
