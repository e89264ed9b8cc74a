"""A dataset of a few people, tiny configs, and training in child processes."""

import importlib
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from tiny_runs import HERE, ROOT, TINY, TOOLS, Ended, run_child

from gm_pose.datasets.synthetic_people import make_coco_folder

# Half of the time of a tiny run, where its process imports them.
IMPORTED_BY_RUNS = (
    'gm_pose.cli.test',
    'gm_pose.cli.train',
    'gm_pose.fast_lane.config.apply_fast_lane',
    'gm_pose.fast_lane.evaluation',
    'gm_pose.fast_lane.hooks',
    'gm_pose.fast_lane.loading',
    'gm_pose.models',
    'gm_pose.runs.checks.run_checks',
    'gm_pose.runs.hooks',
    'gm_pose.runs.loading',
    'mmpose.datasets',
    'mmpose.engine',
    'mmpose.evaluation',
    'mmpose.models',
    'mmpose.visualization',
    'tiny_components',
    'torch.utils.cpp_extension',
)


@pytest.fixture(scope='session')
def coco(tmp_path_factory) -> Path:
    """22 people to train on and 11 to validate, in COCO's layout."""
    folder = tmp_path_factory.mktemp('coco')
    make_coco_folder(folder, train_people=22, val_people=11, seed=0)
    # Once here, not in every child. The first optimizer imports torch._dynamo.
    torch.optim.Adam([torch.nn.Parameter(torch.zeros(1))])
    for name in IMPORTED_BY_RUNS:
        importlib.import_module(name)
    Config.fromfile(ROOT / 'configs' / '_base_' / 'res50_coco_256x192.py')
    return folder


@pytest.fixture
def tools(monkeypatch, coco):
    """The modules of tools/train.py and tools/test.py, on the tiny dataset."""
    monkeypatch.setenv('COCO_ROOT', str(coco))
    monkeypatch.syspath_prepend(str(TOOLS))
    monkeypatch.syspath_prepend(str(HERE))


@pytest.fixture
def write_config(tmp_path, tools) -> Callable[..., Path]:
    """write_config(text, name) -> a config below the shipped base, `text` at its end."""

    def write(extra: str = '', name: str = 'tiny.py') -> Path:
        path = tmp_path / name
        base = ROOT / 'configs' / '_base_' / 'res50_coco_256x192.py'
        path.write_text(TINY.format(base=base) + extra)
        return path

    return write


@pytest.fixture
def train_child(tmp_path, tools) -> Callable[..., Ended]:
    """train_child('tiny.py', '--resume', ...) -> tools/train.py in a child process."""

    def run(config: Path, *arguments: str, setup: Callable | None = None) -> Ended:
        from gm_pose.cli import train

        log = tmp_path / f'{time.monotonic_ns()}.log'

        def task():
            if setup is not None:
                setup()
            train.main([str(config), *map(str, arguments)])

        return run_child(task, log)

    return run
