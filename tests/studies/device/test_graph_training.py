"""A run on a device is the Runner's run: same crops, losses and weights."""

import copy

import numpy as np
import pytest
import torch
from mmengine.hooks import Hook
from mmengine.registry import init_default_scope
from mmengine.runner import Runner

from benchmarks.gpu.configs import finish_config
from gm_pose.datasets.synthetic_people import make_coco_folder
from studies.device.device_data import Crops, TrainingData
from studies.device.graph_training import DeviceCrops, Training, build_model
from studies.training.build_config import build_config
from studies.training.datasets import DATASETS, locate_split
from studies.training.efficientnet_lite0 import find_missing_packages
from studies.variants.catalog import VARIANTS

pytestmark = pytest.mark.skipif(
    bool(find_missing_packages()), reason='needs requirements/study.txt'
)
EPOCHS, SEED = 2, 3


class LossList(Hook):
    """The losses of a run."""

    def __init__(self):
        self.losses = []

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        self.losses.append(float(outputs['loss'].detach()))


@pytest.fixture(scope='module')
def cfg(tmp_path_factory):
    init_default_scope('mmpose')
    folder = tmp_path_factory.mktemp('people')
    make_coco_folder(folder, train_people=6, val_people=1)
    variant = VARIANTS['subcell-face1-rest2-balanced-jw2']
    cfg = build_config(variant, DATASETS['studio17'], SEED, epochs=EPOCHS)
    cfg.model.backbone.init_cfg = None  # no download in a test
    cfg.model.head.deconv_out_channels = (8, 8, 8)
    cfg.train_dataloader.batch_size = 2
    annotations = folder / 'annotations' / 'person_keypoints_train2017.json'
    images = str(folder / 'train2017') + '/'
    cfg.train_dataloader.dataset.update(
        locate_split(dict(ann_file=str(annotations), image_dir=images))
    )
    cfg.work_dir = str(folder / 'run')
    return cfg


def train_with_graph(cfg, cache_dir):
    data = TrainingData(cfg, cache_dir)
    (width, height), count, per_epoch = (
        data.input_size,
        data.count,
        data.count_of_epoch,
    )
    crops = Crops(
        np.empty((count, height, width, 3), np.uint8),
        np.empty((count, 17, 2), np.float32),
        np.empty((count, 17), np.float32),
        np.empty((count,), np.float32),
    )
    for epoch in range(EPOCHS):
        part = slice(epoch * per_epoch, (epoch + 1) * per_epoch)
        data.fill_epoch(SEED, epoch, Crops(*(array[part] for array in crops)))
    tensors = DeviceCrops(*(torch.from_numpy(array) for array in crops))
    state = {k: v.clone() for k, v in build_model(cfg, SEED).state_dict().items()}
    training = Training(cfg, tensors, data.steps, 'cpu')
    training.prepare()
    training.reset(state, tensors)
    while not training.run(1):
        pass
    return training.losses.tolist(), training.model.state_dict()


def train_with_runner(cfg, cache_dir):
    cfg = copy.deepcopy(cfg)
    for step in cfg.train_dataloader.dataset.pipeline:
        if step['type'] == 'CachedLoadImage':
            step['type'] = 'LoadImage'
    cfg.default_hooks.pop('checkpoint')
    finish_config(cfg, 'fast', cache_dir=str(cache_dir), workers=0)
    cfg.train_dataloader.num_workers = 0
    runner, record = Runner.from_cfg(cfg), LossList()
    runner.register_hook(record)
    model = runner.train()
    return record.losses, model.state_dict()


@pytest.mark.usefixtures('configs_are_not_formatted')
def test_losses_and_weights_are_those_of_the_runner(cfg, tmp_path):
    losses, weights = train_with_graph(cfg, tmp_path)
    expected_losses, expected = train_with_runner(cfg, tmp_path)
    assert len(losses) == 2 * 3
    assert losses == pytest.approx(expected_losses, rel=1e-5)
    for name, value in expected.items():
        torch.testing.assert_close(
            weights[name],
            value,
            rtol=1e-2,
            atol=1e-3,
            msg=lambda m, n=name: f'{n}: {m}',
        )
