"""The commands of the documents are taken by the programs that they call."""

import argparse
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / 'README.md', ROOT / 'CONTRIBUTING.md', *ROOT.glob('docs/**/*.md')]
VALUES = {'$NODE_RANK': '1', 'CONFIG': 'config.py', 'CHECKPOINT': 'epoch_1.pth'}
SCRIPTS = r'python3? tools/(train|test|draw_\w+|make_\w+)\.py'
OURS = re.compile(
    rf'mim (train|test)|torchrun|srun|gm_pose|python3? -m gm_pose|{SCRIPTS}'
)


def list_commands() -> list[str]:
    """Our commands on all pages, one line each, with values in place of the variables."""
    commands = []
    for page in PAGES:
        blocks = re.findall(
            r'```(?:bash|console|sh)\n(.*?)```', page.read_text(), re.DOTALL
        )
        text = ''.join(blocks).replace('\\\n', ' ')
        for name, value in VALUES.items():
            text = text.replace(name, value)
        text = re.sub(r' +# .*', '', text)  # what a command is for
        text = re.sub(r'\$[A-Z_]+', '/some/folder', re.sub(r'\bN\b', '2', text))
        for line in text.splitlines():
            command = re.sub(
                r'^(\$ )?([A-Z_]+=\S+ )*', '', re.sub(' +', ' ', line.strip())
            )
            if OURS.match(command):
                commands.append(command)
    return sorted({*commands})


@pytest.fixture
def tools(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / 'tools'))


def parse_tool(words: list[str]) -> argparse.Namespace:
    """Arguments of a script of tools/, whose name comes first."""
    from gm_pose.cli import make_parser

    return make_parser(Path(words[0]).stem.replace('_', '-')).parse_args(words[1:])


def test_pages_show_a_command_for_every_launcher():
    text = '\n'.join(list_commands())
    for part in ('mim train', 'mim test', 'torchrun', 'srun', 'check-data', '--resume'):
        assert part in text
    assert '$' not in text


@pytest.mark.parametrize('command', list_commands())
def test_command_is_taken(command, tools):
    words = shlex.split(command)
    if words[0] == 'torchrun':
        from torch.distributed.run import parse_args

        found = parse_args(words[1:])
        script = [found.training_script, *found.training_script_args]
        assert parse_tool(script).launcher == 'pytorch'
    elif words[0] == 'srun':
        script = words[words.index('python') + 1 :]
        assert parse_tool(script).launcher == 'slurm'
    elif words[0] == 'mim':
        from importlib import import_module

        mim = import_module(f'mim.commands.{words[1]}')
        context = mim.cli.make_context(words[1], words[2:])
        rest = context.params['other_args']
        script = [f'{words[1]}.py', context.params['config'], *rest]
        if words[1] == 'test':
            script.insert(2, context.params['checkpoint'])
        parse_tool(script)
    elif 'gm_pose' in words[:3]:
        from gm_pose.cli import build_parser

        build_parser().parse_args(words[words.index('gm_pose') + 1 :])
    else:
        parse_tool(words[1:])


@pytest.mark.slow
def test_slurm_command_of_mim_starts_the_training_tool(tmp_path, tools):
    """With an `srun` that writes its arguments down."""
    command = next(
        line for line in list_commands() if line.startswith('mim') and 'slurm' in line
    )
    srun = tmp_path / 'srun'
    srun.write_text('#!/bin/sh\nprintf "%s\\n" "$@" > "$0.arguments"\n')
    srun.chmod(0o755)
    (tmp_path / 'config.py').touch()
    words = [str(Path(sys.executable).with_name('mim')), *shlex.split(command)[1:]]
    ended = subprocess.run(
        words,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=100,
        env=dict(os.environ, PATH=f'{tmp_path}:{os.environ["PATH"]}'),
    )
    assert ended.returncode == 0, ended.stderr
    written = (tmp_path / 'srun.arguments').read_text().splitlines()
    assert {'--ntasks=16', '--kill-on-bad-exit=1', '--job-name=pose'} <= {*written}
    script = next(i for i, word in enumerate(written) if word.endswith('train.py'))
    assert Path(written[script]).is_file()
    assert parse_tool(written[script:]).launcher == 'slurm'
