"""A checkpoint that training wrote, of a tiny model, and pictures of its people."""

import os
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from fake_backend import FakeBackend

from gm_pose.datasets.synthetic_people import make_coco_folder
from gm_pose.inference import PoseEstimator

sys.path.append(str(Path(__file__).parents[1] / 'runs'))

CONFIG = """
_base_ = ['{base}']
from gm_pose import with_codec
codec = with_codec(_base_, input_size=(48, 64), heatmap_size=(12, 16),
                   sigmas=dict(table='set2', mean=1.2), unbiased=True,
                   aligned_flip=True)
model = dict(
    backbone=dict(_delete_=True, type='ResNet', depth=18, stem_channels=8,
                  base_channels=8, num_stages=1, strides=(1,), dilations=(1,),
                  out_indices=(0,)),
    head=dict(in_channels=8, deconv_out_channels=None, deconv_kernel_sizes=None),
)
val_pipeline = [
    dict(type='LoadImage'),
    dict(type='GetBBoxCenterScale'),
    dict(type='TopdownAffine', input_size=codec['input_size']),
    dict(type='PackPoseInputs'),
]
train_pipeline = [
    *val_pipeline[:3], dict(type='GenerateTarget', encoder=codec), val_pipeline[3]]
train_dataloader = dict(batch_size=8, num_workers=0, persistent_workers=False,
                        dataset=dict(pipeline=train_pipeline))
val_dataloader = dict(batch_size=4, num_workers=0, persistent_workers=False,
                      dataset=dict(bbox_file=None, pipeline=val_pipeline))
test_dataloader = val_dataloader
val_cfg = val_dataloader = val_evaluator = None
train_cfg = dict(max_epochs=1)
default_hooks = dict(checkpoint=dict(interval=1, save_best=None))
fast_lane = None
"""


@pytest.fixture(scope='session')
def run_folder(tmp_path_factory) -> Path:
    """coco/ with rendered people, tiny.py, and work/epoch_1.pth that training wrote."""
    from tiny_runs import ROOT, run_child

    folder = tmp_path_factory.mktemp('inference')
    make_coco_folder(folder / 'coco', train_people=8, val_people=7, seed=0)
    base = ROOT / 'configs' / '_base_' / 'res50_coco_256x192.py'
    config = folder / 'tiny.py'
    config.write_text(CONFIG.format(base=base))

    def train():
        from gm_pose.cli import train

        os.environ['COCO_ROOT'] = str(folder / 'coco')
        train.main([str(config), '--work-dir', str(folder / 'work')])

    ended = run_child(train, folder / 'log.txt')
    assert ended.code == 0, ended.tail
    return folder


@pytest.fixture(scope='session')
def checkpoint(run_folder) -> str:
    return str(run_folder / 'work' / 'epoch_1.pth')


@pytest.fixture(scope='session')
def annotations(run_folder) -> str:
    return str(run_folder / 'coco/annotations/person_keypoints_val2017.json')


@pytest.fixture(scope='session')
def images(run_folder) -> list[str]:
    """Paths of the rendered pictures with people."""
    return sorted(str(path) for path in (run_folder / 'coco/val2017').iterdir())


@pytest.fixture(scope='session', autouse=True)
def _norms_are_not_folded():
    """Its rounding would decide ties of an untrained network's maps; test_fold_norms.py."""
    from gm_pose.inference.backends import torch_backend

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch_backend, 'fold_norms', lambda model, size: model)
        yield


@pytest.fixture(scope='session')
def estimator(checkpoint) -> PoseEstimator:
    return PoseEstimator(checkpoint, device='cpu')


@pytest.fixture
def backend() -> FakeBackend:
    return FakeBackend()


@pytest.fixture
def fake(backend) -> PoseEstimator:
    """An estimator on the fake backend, four people at once."""
    return PoseEstimator(backend, batch_size=4)


@pytest.fixture
def write_images(tmp_path):
    """write_images('a.png', 'b.jpg') -> a folder with these, 160 x 120 px."""

    def write(*names: str) -> Path:
        folder = tmp_path / 'images'
        folder.mkdir(exist_ok=True)
        for k, name in enumerate(names):
            generator = np.random.default_rng(k)
            picture = generator.integers(0, 255, (120, 160, 3), np.uint8)
            cv2.imwrite(str(folder / name), picture)
        return folder

    return write


@pytest.fixture
def write_video(tmp_path):
    """write_video(frames=12) -> an AVI of 64 x 48 px, 10 frames per second."""

    def write(frames: int = 12, name: str = 'clip.avi') -> Path:
        path = tmp_path / name
        code = cv2.VideoWriter_fourcc(*'MJPG')
        writer = cv2.VideoWriter(str(path), code, 10, (64, 48))
        generator = np.random.default_rng(0)
        for _ in range(frames):
            writer.write(generator.integers(0, 255, (48, 64, 3), np.uint8))
        writer.release()
        return path

    return write
