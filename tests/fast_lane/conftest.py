"""A folder of pictures with people, in COCO's layout."""

from pathlib import Path

import pytest

from gm_pose.datasets.synthetic_people import make_coco_folder


@pytest.fixture(scope='session')
def people_folder(tmp_path_factory) -> Path:
    """22 people to train on and 11 to validate, some of one image."""
    folder = tmp_path_factory.mktemp('people')
    make_coco_folder(folder, train_people=22, val_people=11, seed=0)
    return folder
