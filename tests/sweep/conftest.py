import sys
from pathlib import Path

import pytest
from tiny_sweeps import prepare_forks, write_config

from gm_pose.datasets.synthetic_people import make_coco_folder

sys.path.insert(0, str(Path(__file__).parent))  # for the runs: `sweep_components`


@pytest.fixture(scope='session')
def people(tmp_path_factory) -> Path:
    """40 people to train on and 8 to validate, in COCO's layout."""
    folder = tmp_path_factory.mktemp('people')
    make_coco_folder(folder, train_people=40, val_people=8, seed=0)
    prepare_forks()
    return folder


@pytest.fixture
def config(people, tmp_path) -> Path:
    return write_config(people, tmp_path / 'tiny.py')
