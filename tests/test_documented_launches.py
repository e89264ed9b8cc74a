"""The commands of docs/trusted-runs.md are taken by the programs that they call."""

import argparse
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGE = ROOT / 'docs' / 'trusted-runs.md'
VALUES = {
    '$NODE_RANK': '1', '$FIRST_HOST': 'node03', '$SHARED': '/shared',
    '$PARTITION': 'gpus', 'CONFIG': 'config.py', 'CHECKPOINT': 'epoch_1.pth',
}  # fmt: skip


def list_commands() -> list[str]:
    """Commands of the page, one line each, with values in place of the variables."""
    blocks = re.findall(r'```bash\n(.*?)```', PAGE.read_text(), re.DOTALL)
    text = ''.join(blocks).replace('\\\n', ' ')
    for name, value in VALUES.items():
        text = text.replace(name, value)
    return [
        re.sub(' +', ' ', line) for line in re.sub(r'\bN\b', '2', text).splitlines()
    ]


@pytest.fixture
def tools(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / 'tools'))


def parse_tool(words: list[str]) -> argparse.Namespace:
    """Arguments of tools/train.py or tools/test.py, the script's name first."""
    from gm_pose.cli import test, train

    module = dict(train=train, test=test)[Path(words[0]).stem]
    return module.parse_args(words[1:])


def test_page_shows_a_command_for_every_launcher():
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
    elif words[1:3] == ['-m', 'gm_pose']:
        from gm_pose.__main__ import build_parser

        build_parser().parse_args(words[3:])
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
        words, cwd=tmp_path, capture_output=True, text=True, timeout=100,
        env=dict(os.environ, PATH=f'{tmp_path}:{os.environ["PATH"]}'),
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    written = (tmp_path / 'srun.arguments').read_text().splitlines()
    assert {'--ntasks=16', '--kill-on-bad-exit=1', '--job-name=pose'} <= {*written}
    script = next(i for i, word in enumerate(written) if word.endswith('train.py'))
    assert Path(written[script]).is_file()
    assert parse_tool(written[script:]).launcher == 'slurm'
