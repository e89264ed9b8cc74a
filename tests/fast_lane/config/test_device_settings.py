"""What the fast lane sets about processes that load data."""

import pytest
from mmengine.config import Config
from torch.utils.data import DataLoader

from gm_pose.fast_lane.config.device_settings import set_device_options
from gm_pose.fast_lane.config.settings import FastLaneSettings


@pytest.mark.parametrize('workers', [0, 2])
def test_a_loader_is_built_with_any_number_of_workers(workers):
    own = dict(
        num_workers=1,
        persistent_workers=True,
        prefetch_factor=4,
        timeout=60,
        multiprocessing_context='fork',
    )
    cfg = Config(dict(val_dataloader=own))
    set_device_options(cfg, FastLaneSettings(workers=workers), trains=False)
    loader = DataLoader([1, 2], **cfg.val_dataloader)
    assert loader.num_workers == workers
    assert loader.prefetch_factor == (4 if workers else None)
