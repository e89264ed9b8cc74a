"""Annotated people on a grid, predictions of them, and the two read as a run."""

import json

import numpy as np

from gm_pose.ops.skeleton import COCO
from gm_pose.report.reading.run_inputs import DataOptions, read_run

NUM_PEOPLE = 24


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


def read(folder, truth: dict, results: list[dict]):
    """Truth and results, written and read again as the command does."""
    (folder / 'truth.json').write_text(json.dumps(truth))
    (folder / 'run.json').write_text(json.dumps(results))
    options = DataOptions(annotations=str(folder / 'truth.json'))
    return read_run(str(folder / 'run.json'), 'run', options)
