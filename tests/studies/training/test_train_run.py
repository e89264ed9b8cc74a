import copy

import pytest
import torch
from mmengine.hooks import Hook
from mmengine.registry import HOOKS, init_default_scope

from gm_pose.datasets.synthetic_people import make_coco_folder
from studies.training.build_config import build_config
from studies.training.datasets import DATASETS, locate_split
from studies.training.train_run import train_model
from studies.variants.catalog import VARIANTS


@HOOKS.register_module(force=True)
class InterruptHook(Hook):
    """Ctrl-C in the second epoch."""

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        if runner.epoch == 1 and batch_idx == 1:
            raise KeyboardInterrupt


@pytest.fixture(scope='module')
def cfg(tmp_path_factory):
    init_default_scope('mmpose')
    folder = tmp_path_factory.mktemp('people')
    make_coco_folder(folder, train_people=8, val_people=1)
    cfg = build_config(
        VARIANTS['subcell-sqrtoks2-balanced-annealed'],
        DATASETS['studio17'],
        3,
        epochs=3,
    )
    cfg.model.backbone = dict(
        type='ResNet', depth=18, base_channels=4, out_indices=(2,)
    )
    cfg.model.backbone.stem_channels = 4
    cfg.model.head.in_channels = 16
    cfg.model.head.deconv_out_channels = (8, 8, 8)
    cfg.train_dataloader.batch_size = 2
    cfg.train_dataloader.dataset.update(
        locate_split(
            dict(
                ann_file=str(
                    folder / 'annotations' / 'person_keypoints_train2017.json'
                ),
                image_dir=str(folder / 'train2017') + '/',
            )
        )
    )
    cfg.default_hooks.checkpoint.interval = 1
    return cfg


def train(cfg, folder, hooks=()):
    cfg = copy.deepcopy(cfg)
    cfg.work_dir = str(folder)
    cfg.custom_hooks += [dict(type=hook) for hook in hooks]
    return train_model(cfg, 'hash', folder)


@pytest.mark.slow
@pytest.mark.usefixtures('configs_are_not_formatted')
def test_interrupted_training_ends_with_the_same_weights(cfg, tmp_path):
    whole, facts = train(cfg, tmp_path / 'whole')
    assert (facts['epochs'], facts['resumed']) == (3, False)
    with pytest.raises(KeyboardInterrupt):
        train(cfg, tmp_path / 'broken', ['InterruptHook'])
    resumed, facts = train(cfg, tmp_path / 'broken')
    assert (facts['epochs'], facts['resumed']) == (3, True)
    for name, value in whole.state_dict().items():
        assert torch.equal(value, resumed.state_dict()[name]), name
    # only the final weights stay, and they are what a later evaluation reads
    assert not list((tmp_path / 'broken').glob('epoch_*.pth'))
    loaded, again = train(cfg, tmp_path / 'broken')
    assert again == facts
    for name, value in resumed.state_dict().items():
        assert torch.equal(value, loaded.state_dict()[name]), name
