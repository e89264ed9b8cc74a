"""Imports gm_pose before any test imports mmpose: it puts the stand-ins in."""

import os
from pathlib import Path

import pytest
import torch
from filelock import FileLock
from mmengine.config import config as config_module
from mmengine.registry import init_default_scope
from wheels import build_wheel_after_another

import gm_pose  # noqa: F401

# The tests' maps are small: threads would only fight over the cores with the data
# loaders and child processes that some of them start.
torch.set_num_threads(1)

# PyTorch decides at the first backward pass of a process whether its forked children may
# have one. Here nothing can have registered a device yet; later a test may have, and tests
# that fork a training would fail, depending on their order.
torch.zeros(1, requires_grad=True).sum().backward()


@pytest.fixture(scope='session', autouse=True)
def _cache_folder(tmp_path_factory):
    """Packed annotations and stores of the tests stay out of the user's own folder."""
    os.environ['GM_POSE_CACHE'] = str(tmp_path_factory.mktemp('cache'))


@pytest.fixture(autouse=True)
def _default_scope():
    """Where configs look for their parts: a test may have left MMDetection's scope."""
    init_default_scope('mmpose')


@pytest.fixture
def configs_are_not_formatted(monkeypatch):
    """MMEngine formats the config's text with yapf at every save: a second each time."""
    monkeypatch.setattr(config_module, 'FormatCode', lambda text, **_: (text, True))


@pytest.fixture(scope='session')
def wheel(tmp_path_factory) -> Path:
    """The wheel of this checkout, built once for all processes that run tests."""
    folder = tmp_path_factory.getbasetemp()
    if 'PYTEST_XDIST_WORKER' in os.environ:
        folder = folder.parent
    folder = folder / 'wheel'
    with FileLock(f'{folder}.lock'):
        if not folder.exists():
            folder.mkdir()
            build_wheel_after_another(folder)
    (path,) = folder.glob('gm_pose-*.whl')
    return path


def pytest_collection_modifyitems(items):
    """Files with slow tests first, so that the processes end together with short ones."""
    slow = {item.path for item in items if item.get_closest_marker('slow')}
    items.sort(key=lambda item: item.path not in slow)
