"""Predictions of a few people with known errors, and a browser for the page."""

import json
from pathlib import Path

import numpy as np
import pytest
from browser import CHROMIUM, Browser

from gm_pose.ops.skeleton import COCO

NUM_PEOPLE = 24


@pytest.fixture(scope='session')
def browser():
    if CHROMIUM is None:
        pytest.skip('no Chromium here')
    tab = Browser()
    yield tab
    tab.close()


def make_truth(num_people: int = NUM_PEOPLE) -> dict:
    """One person an image, joints on a grid 20 px apart, area 100 x 100 px."""
    grid = np.stack(np.meshgrid(np.arange(5), np.arange(4)), -1).reshape(-1, 2)[:17]
    joints = 50 + 20.0 * grid
    triplets = np.column_stack([joints, np.full(17, 2)]).ravel().tolist()
    return dict(
        images=[
            dict(id=n, file_name=f'{n}.jpg', width=200, height=200)
            for n in range(1, num_people + 1)
        ],
        annotations=[
            dict(
                id=100 + n,
                image_id=n,
                category_id=1,
                keypoints=triplets,
                num_keypoints=17,
                bbox=[40, 40, 100, 80],
                area=10_000.0,
                iscrowd=0,
            )
            for n in range(1, num_people + 1)
        ],
        categories=[
            dict(
                id=1, name='person', keypoints=list(COCO.joint_names), skeleton=[[1, 2]]
            )
        ],
    )


def predict(truth: dict, noise_px: float, seed: int = 0) -> list[dict]:
    """Results whose joints are off by so much in each direction."""
    rng = np.random.default_rng(seed)
    results = []
    for person in truth['annotations']:
        joints = np.array(person['keypoints'], float).reshape(17, 3)
        joints[:, :2] += noise_px * rng.normal(size=(17, 2))
        joints[:, 2] = rng.uniform(0.5, 1, 17)
        results.append(
            dict(
                image_id=person['image_id'],
                category_id=1,
                keypoints=joints.ravel().tolist(),
                score=float(joints[:, 2].mean()),
                bbox=person['bbox'],
            )
        )
    return results


@pytest.fixture(scope='session')
def files(tmp_path_factory) -> Path:
    """truth.json, good.json, and bad.json, which is off by twice as much."""
    folder = tmp_path_factory.mktemp('results')
    truth = make_truth()
    (folder / 'truth.json').write_text(json.dumps(truth))
    (folder / 'good.json').write_text(json.dumps(predict(truth, 5.0, seed=1)))
    (folder / 'bad.json').write_text(json.dumps(predict(truth, 10.0, seed=2)))
    return folder
