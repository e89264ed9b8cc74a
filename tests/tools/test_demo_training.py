"""The demo config trains and evaluates, on a few people."""

import math
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.runner import Runner

import gm_pose  # noqa: F401
from gm_pose.datasets.synthetic_people import make_coco_folder

CONFIG = Path(__file__).parents[2] / 'configs' / 'demo' / 'demo_gm_set2_synthetic.py'
COCO_KEYS = {
    f'coco/{name}'
    for name in (
        'AP',
        'AP .5',
        'AP .75',
        'AP (M)',
        'AP (L)',
        'AR',
        'AR .5',
        'AR .75',
        'AR (M)',
        'AR (L)',
    )
}


@pytest.mark.slow
@pytest.mark.usefixtures('configs_are_not_formatted')
def test_demo_config_trains_and_evaluates(tmp_path, monkeypatch):
    make_coco_folder(tmp_path / 'data', train_people=16, val_people=6, seed=0)
    monkeypatch.setenv('COCO_ROOT', str(tmp_path / 'data'))
    cfg = Config.fromfile(CONFIG)
    cfg.work_dir = str(tmp_path / 'run')
    cfg.merge_from_dict(
        {
            'train_cfg.max_epochs': 1,
            'train_cfg.val_interval': 1,
            'default_hooks.checkpoint.interval': 1,
            **{
                f'{split}_dataloader.{key}': value
                for split in ('train', 'val', 'test')
                for key, value in (('num_workers', 0), ('persistent_workers', False))
            },
        }
    )
    runner = Runner.from_cfg(cfg)
    before = {k: v.clone() for k, v in runner.model.state_dict().items()}
    runner.train()
    metrics = runner.test()
    after = runner.model.state_dict()
    trained = [k for k, v in runner.model.named_parameters() if v.requires_grad]
    moved = [k for k in trained if not torch.equal(before[k], after[k])]
    assert len(moved) > 0.9 * len(trained)
    assert set(metrics) == COCO_KEYS
    assert all(math.isfinite(value) for value in metrics.values())
    assert (tmp_path / 'run' / 'epoch_1.pth').is_file()
