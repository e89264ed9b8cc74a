"""Imports gm_pose before any test imports mmpose: it puts the stand-ins in."""

import gc
import os
import sys
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

import pytest
import torch
from filelock import FileLock
from mmengine.config import config as config_module
from mmengine.config import utils as config_utils
from mmengine.registry import init_default_scope
from mmengine.visualization import Visualizer
from warm_python import start_warm_python
from wheels import build_wheel_after_another

import gm_pose  # noqa: F401

ROOT = Path(__file__).parents[1]

# The tests' maps are small: threads would only fight over the cores with the data
# loaders and child processes that some of them start.
torch.set_num_threads(1)

# PyTorch decides at the first backward pass of a process whether its forked children may
# have one. Here nothing can have registered a device yet; later a test may have, and tests
# that fork a training would fail, depending on their order.
torch.zeros(1, requires_grad=True).sum().backward()

# For each config with `mmpose::` in it MMEngine reads the 148 files of MMPose's model
# index, half of what reading the config takes. They do not change.
config_utils.load = lru_cache(maxsize=None)(config_utils.load)


@pytest.fixture(scope='session', autouse=True)
def _cache_folder(tmp_path_factory):
    """Packed annotations and stores of the tests stay out of the user's own folder."""
    os.environ['GM_POSE_CACHE'] = str(tmp_path_factory.mktemp('cache'))


@pytest.fixture(scope='module', autouse=True)
def _imported_modules_are_no_garbage():
    """MMEngine collects garbage for each dataset: 0.4 s among all that PyTorch imported."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def _default_scope():
    """Where configs look for their parts: a test may have left MMDetection's scope."""
    init_default_scope('mmpose')


@pytest.fixture(autouse=True)
def _no_visualizer_is_left():
    """Runs of MMPose configs take the one named so, of whichever run it is."""
    classes = [Visualizer]
    for cls in classes:
        cls._instance_dict.clear()
        classes += cls.__subclasses__()


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


@pytest.fixture(scope='session')
def warm_python():
    """An executable like `python` that has imported this checkout and MMPose already."""
    if torch.cuda.is_available():  # a forked process may not be able to use CUDA
        yield Path(sys.executable)
        return
    modules = ('gm_pose', 'mmpose.models', 'mmpose.datasets', 'mmpose.evaluation')
    modules += ('mmpose.engine', 'torch._dynamo', 'torch.distributed.run')
    modules += ('mim',) if find_spec('mim') else ()
    path = os.pathsep.join([str(ROOT), os.environ.get('PYTHONPATH', '')])
    with start_warm_python(modules, env=dict(os.environ, PYTHONPATH=path)) as python:
        yield python


def pytest_collection_modifyitems(items):
    """Files with slow tests first, so that the processes end together with short ones."""
    slow = {item.path for item in items if item.get_closest_marker('slow')}
    items.sort(key=lambda item: item.path not in slow)
