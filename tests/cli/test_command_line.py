"""`gm_pose --help` answers at once, and every command has one module and an example."""

import importlib
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from gm_pose import __version__
from gm_pose.cli import COMMANDS, build_parser, main

ROOT = Path(__file__).parents[2]
# Importing any of these takes from a tenth of a second to seven.
HEAVY = ('torch', 'cv2', 'numpy', 'scipy', 'mmengine', 'mmcv', 'mmdet', 'mmpose')
SCRIPTS = sorted(
    path.name
    for path in (ROOT / 'tools').glob('*.py')
    if path.name.replace('_', '-')[:-3] in COMMANDS
)


def run_python(*words: str) -> subprocess.CompletedProcess:
    """A child process that lists the heavy modules which it imported, at its end."""
    listing = (
        'import atexit, runpy, sys\n'
        f'atexit.register(lambda: print([m for m in {HEAVY} if m in sys.modules]))\n'
        'sys.argv = sys.argv[1:]\n'
        'if sys.argv[0] == "gm_pose":\n'
        '    runpy.run_module("gm_pose", run_name="__main__", alter_sys=True)\n'
        'else:\n'
        '    runpy.run_path(sys.argv[0], run_name="__main__")\n'
    )
    return subprocess.run(
        [sys.executable, '-c', listing, *words],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=dict(os.environ, PYTHONPATH=str(ROOT), COLUMNS='80'),
        timeout=60,
    )


@pytest.mark.parametrize(
    'words', [['--help'], ['--version'], *([c, '--help'] for c in COMMANDS)]
)
def test_help_and_version_import_nothing_heavy(words):
    ended = run_python('gm_pose', *words)
    assert ended.returncode == 0, ended.stderr
    *text, imported = ended.stdout.splitlines()
    assert imported == '[]'
    if words == ['--version']:
        assert text == [__version__]
    else:
        assert 'example:' in '\n'.join(text)


@pytest.mark.parametrize('script', SCRIPTS)
def test_help_of_a_script_is_the_commands_and_imports_nothing_heavy(script):
    ended = run_python(f'tools/{script}', '--help')
    assert ended.returncode == 0, ended.stderr
    *text, imported = ended.stdout.splitlines()
    assert imported == '[]'
    assert 'example:' in text
    assert text[0].startswith(f'usage: {script}')


def test_scripts_are_there():
    assert {
        'train.py',
        'test.py',
        'draw_mixture.py',
        'draw_predictions.py',
        'make_synthetic_coco.py',
    } <= {*SCRIPTS}


def test_every_command_is_listed_with_its_summary():
    text = ' '.join(build_parser('').format_help().split())
    for name, summary in COMMANDS.items():
        assert f'{name} {summary}' in text


@pytest.mark.parametrize('name', COMMANDS)
def test_example_is_taken_by_the_command(name):
    module = importlib.import_module(f'gm_pose.cli.{name.replace("-", "_")}')
    text = module.EXAMPLE.replace('\\\n', ' ')
    commands = [line.split() for line in text.splitlines()[1:]]
    assert commands
    parser = build_parser()
    for words in commands:
        while '=' in words[0]:  # of the environment
            words = words[1:]
        if words[0] == 'mim':
            continue  # tests/test_documented_launches.py
        if words[0] == 'gm_pose':
            assert parser.parse_args(words[1:]).command == name
        else:
            script = next(
                i for i, word in enumerate(words) if word.startswith('tools/')
            )
            assert words[script] == f'tools/{name.replace("-", "_")}.py'
            parser.parse_args([name, *words[script + 1 :]])


def test_unknown_command_lists_the_known_ones(capsys):
    with pytest.raises(SystemExit) as end:
        main(['check-dta'])
    assert end.value.code == 2
    assert 'check-data' in capsys.readouterr().err


def test_mistake_is_one_line_and_code_2(tmp_path, capsys):
    assert main(['check-data', str(tmp_path / 'none.json')]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith('gm_pose check-data: ')


def test_training_reports_a_missing_config_as_its_script_does(tmp_path, capsys):
    with pytest.raises(SystemExit) as end:
        main(['train', str(tmp_path / 'none.py')])
    assert end.value.code == 2
    assert capsys.readouterr().err.startswith('gm_pose: error: config ')


def test_error_inside_a_run_keeps_its_traceback(monkeypatch):
    from gm_pose.cli import train

    def fail(args):
        raise ValueError('a bug')

    monkeypatch.setattr(train, 'run_training', fail)
    with pytest.raises(ValueError, match='a bug'):
        main(['train', 'config.py'])


def test_ctrl_c_is_one_line_and_code_130(monkeypatch, capsys):
    from gm_pose.cli import export, train

    def interrupt(args):
        raise KeyboardInterrupt

    monkeypatch.setattr(export, 'run_export', interrupt)
    assert main(['export', 'model.pth']) == 130
    assert capsys.readouterr().err.splitlines() == ['gm_pose export: interrupted']
    monkeypatch.setattr(train, 'run_training', interrupt)
    assert main(['train', 'config.py']) == 130
    (line,) = capsys.readouterr().err.splitlines()
    assert 'interrupted; the same command with --resume goes on' in line


def test_sigterm_leaves_through_finally(monkeypatch, capsys):
    from gm_pose.cli import export

    cleaned = []

    def end(args):
        try:
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(5)
        finally:
            cleaned.append(True)

    before = signal.getsignal(signal.SIGTERM)
    monkeypatch.setattr(export, 'run_export', end)
    with pytest.raises(SystemExit) as ended:
        main(['export', 'model.pth'])
    assert (ended.value.code, cleaned) == (143, [True])
    assert capsys.readouterr().err.splitlines() == ['gm_pose export: terminated']
    assert signal.getsignal(signal.SIGTERM) == before


def test_unsupported_stack_is_one_line(monkeypatch, capsys):
    from gm_pose.runs.host import versions

    monkeypatch.setitem(versions.SUPPORTED, ('mmpose',), ('>=99', 'of a test'))
    with pytest.raises(SystemExit) as end:
        main(['test', 'config.py', 'epoch_1.pth'])
    assert end.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert re.match(r'gm_pose: error: mmpose is [\d.]+; gm_pose expects >=99 ', line)


def test_options_of_a_config_are_read_as_mmengine_reads_them():
    words = ['train', 'c.py', '--cfg-options', 'a.b=1e-3', 'c="[1,(2,3)]"', 'd=text']
    options = build_parser('train').parse_args(words).cfg_options
    assert options == {'a.b': 1e-3, 'c': [1, (2, 3)], 'd': 'text'}
    assert build_parser('train').parse_args(['train', 'c.py']).cfg_options == {}
