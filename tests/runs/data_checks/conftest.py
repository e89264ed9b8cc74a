"""A good annotation file of rendered people, made once."""

import json

import pytest

from gm_pose.datasets.synthetic_people import make_coco_folder


@pytest.fixture(scope='session')
def checked_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp('people')
    make_coco_folder(folder, train_people=16, val_people=2, seed=1)
    return folder


@pytest.fixture
def people(checked_folder):
    """Content of its training file, fresh for each test."""
    path = checked_folder / 'annotations/person_keypoints_train2017.json'
    return json.loads(path.read_text())
