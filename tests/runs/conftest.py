"""A dataset of a few people, tiny configs, and training in child processes."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from tiny_runs import HERE, ROOT, TINY, TOOLS, Ended, run_child

from gm_pose.datasets.synthetic_people import make_coco_folder


@pytest.fixture(scope='session')
def coco(tmp_path_factory) -> Path:
    """22 people to train on and 11 to validate, in COCO's layout."""
    folder = tmp_path_factory.mktemp('coco')
    make_coco_folder(folder, train_people=22, val_people=11, seed=0)
    # The first optimizer imports torch._dynamo: once here, not in every child.
    torch.optim.Adam([torch.nn.Parameter(torch.zeros(1))])
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
