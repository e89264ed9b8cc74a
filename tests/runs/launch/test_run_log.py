"""The terminal gets what a person needs; the log file keeps everything."""

import contextlib
import io
import logging
import re
import sys

import pytest

from gm_pose.runs.launch.run_log import shorten_log, shorten_message

PREFIX = '11/26 12:07:26 - mmengine - INFO - '
ENVIRONMENT = f"""{PREFIX}
------------------------------------------------------------
System environment:
    sys.platform: linux
    Python: 3.11.7 (main, May  9 2026, 07:35:25) [GCC 12.2.0]
    CUDA available: True
    GPU 0,1: NVIDIA H100
    PyTorch: 2.14.1+cu130
    PyTorch compiling details: PyTorch built with:
  - GCC 13.3

Runtime environment:
    seed: 3
    Distributed launcher: none
------------------------------------------------------------

"""


def test_environment_is_one_line():
    assert shorten_message(ENVIRONMENT) == (
        f'{PREFIX}Python: 3.11.7, CUDA available: True, GPU 0,1: NVIDIA H100, '
        'PyTorch: 2.14.1+cu130, seed: 3\n'
    )


def test_config_is_one_line_that_says_where_it_is():
    text = (
        f"{PREFIX}Config:\nmodel = dict(\n    type='A')\nwork_dir = 'work_dirs/run'\n\n"
    )
    (line,) = shorten_message(text).splitlines()
    assert line.startswith(f'{PREFIX}environment, config and hooks in full: ')
    assert 'work_dirs/run' in line
    assert '--full-log' in line


@pytest.mark.parametrize(
    'text',
    [
        'Hooks will be executed in the following order:\nbefore_run:\n',
        'Exp name: run_20261126_120725\n',
        '"FileClient" will be deprecated in future. Please use io functions\n',
    ],
)
def test_repeats_are_dropped_with_and_without_colour(text):
    assert shorten_message(PREFIX + text) == ''
    coloured = PREFIX.replace('INFO', '\x1b[5m\x1b[33mWARNING\x1b[0m')
    assert shorten_message(coloured + text) == ''


@pytest.mark.parametrize(
    'text',
    [
        f'{PREFIX}Epoch(train) [1][4/4]  lr: 2.7e-04  loss: 2.85\n',
        f'{PREFIX}the effective batch is 16, the learning rate is meant for 8\n',
        f'{PREFIX}Config:\nwithout a work_dir\n',
        f'{PREFIX}stopped by ValueError: System environment: broken\nTraceback ...\n',
        'Exp name: printed by somebody else\n',
        'Hooks will be executed in the following order\n',
        '',
    ],
)
def test_all_else_is_left_as_it_is(text):
    assert shorten_message(text) == text


def test_prints_of_the_coco_tools_are_dropped_and_others_stay():
    out = io.StringIO()
    with contextlib.redirect_stdout(out), shorten_log():
        print('loading annotations into memory...')
        print('Done (t=0.01s)')
        print('Evaluate annotation type *keypoints*')
        print('DONE (t=12.34s).')
        print('Loads checkpoint by local backend from path: a.pth')
        print('12 of 16', end='\r', flush=True)
        print('index created! But not by pycocotools')
        print()
        print('end', flush=True)
    assert out.getvalue() == '12 of 16\rindex created! But not by pycocotools\n\nend\n'


def test_stream_is_the_old_one_afterwards_and_has_its_attributes():
    before = sys.stdout
    with shorten_log():
        assert sys.stdout.isatty() == before.isatty()
        assert sys.stdout.encoding == before.encoding
        logging.StreamHandler(sys.stdout).flush()
    assert sys.stdout is before


def list_messages(output: str) -> list[str]:
    """First line of each record: level and text, without its time and numbers of time."""
    found = re.findall(r'^[\d/]+ [\d:]+ - mmengine - (.*)', output, re.MULTILINE)
    return [
        re.sub(r'(eta|time|data_time): \S+|\d{8}_\d{6}', '', line) for line in found
    ]


@pytest.mark.slow
def test_training_prints_what_a_person_needs(write_config, train_child, tmp_path):
    """Each record of the full log is in the short one, but for the listed repeats."""
    config = write_config('train_cfg["max_epochs"] = 1\n')
    outputs = []
    for name, options in (('short', []), ('full', ['--full-log'])):
        ended = train_child(config, '--work-dir', str(tmp_path / name), *options)
        assert ended.code == 0, ended.tail
        outputs.append(ended.output)
    short, full = outputs
    assert full.count('\n') > 300
    assert short.count('\n') < 50
    for text in ('System environment:', 'default_hooks', 'Hooks will be executed'):
        assert text in full
        assert text not in short
        (log,) = (tmp_path / 'short').glob('*/*.log')
        assert text in log.read_text()
    shown = (
        'Epoch(train) [1]',
        'Epoch(val) [1]',
        'Saving checkpoint',
        'PyTorch: ',
        'Average Precision  (AP) @[ IoU=0.50:0.95',
        'effective batch',
    )
    for text in shown:
        assert text in short
    known = (
        'Hooks will',
        'Exp name',
        '"FileClient"',
        '"HardDisk',
        'Distributed training',
    )
    kept = [m for m in list_messages(full) if not re.search('|'.join(known), m)]
    assert kept[:2] == ['INFO - ', 'INFO - Config:']  # these two are shortened
    assert list_messages(short.replace('/short', '/full'))[2:] == kept[2:]
