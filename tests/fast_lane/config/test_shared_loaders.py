"""Loaders of a config whose machines have a share of the people each."""

import copy

import pytest
from fast_datasets import CODEC, make_config
from mmengine.config import Config

from gm_pose.fast_lane.config.apply_fast_lane import apply_fast_lane, leave_fast_lane


@pytest.fixture
def cfg(people_folder):
    """A run with its defaults added, as the commands have it."""
    sampler = dict(type='DefaultSampler', shuffle=True)
    train = make_config(people_folder, 'train')
    model = dict(
        type='TopdownPoseEstimator',
        data_preprocessor=dict(type='PoseDataPreprocessor', mean=[1.0], std=[2.0]),
        head=dict(type='HeatmapHead', decoder=CODEC),
    )
    return Config(
        dict(
            default_scope='mmpose',
            model=model,
            train_dataloader=dict(
                dataset=dict(type='SeededDataset', dataset=train),
                sampler=dict(type='SeededSampler', sampler=sampler),
            ),
            val_dataloader=dict(
                dataset=make_config(people_folder, 'val'),
                sampler=dict(type='DefaultSampler', shuffle=False, round_up=False),
            ),
            optim_wrapper=dict(optimizer=dict(type='Adam', lr=0.1)),
        )
    )


def list_samplers(cfg):
    return (
        cfg.train_dataloader.sampler.sampler.type,
        cfg.val_dataloader.sampler.type,
    )


@pytest.mark.parametrize(
    ('settings', 'arguments'),
    [
        (dict(shards='node'), dict(shards='node')),
        (dict(images='stream:s3://b', stream_cache_gb=7), dict(stream_cache_gb=7)),
    ],
)
def test_samplers_are_exchanged_and_put_back(cfg, settings, arguments):
    before = copy.deepcopy(cfg._cfg_dict)
    cfg.fast_lane = settings
    (note,) = apply_fast_lane(cfg)
    assert note.startswith('fast lane: train, val')
    assert list_samplers(cfg) == ('NodeShardSampler', 'NodeShardSampler')
    assert cfg.train_dataloader.sampler.sampler.shuffle
    assert not cfg.val_dataloader.sampler.round_up
    for loader in (cfg.train_dataloader, cfg.val_dataloader):
        for name, value in arguments.items():
            assert loader.dataset[name] == value
    leave_fast_lane(cfg)
    assert list_samplers(cfg) == ('DefaultSampler', 'DefaultSampler')
    assert cfg.train_dataloader.sampler == before.train_dataloader.sampler
    apply_fast_lane(cfg)  # as in a config that a run wrote
    assert list_samplers(cfg) == ('NodeShardSampler', 'NodeShardSampler')


def test_one_machine_keeps_its_samplers(cfg):
    cfg.fast_lane = dict()
    apply_fast_lane(cfg)
    assert list_samplers(cfg) == ('DefaultSampler', 'DefaultSampler')
    assert 'shards' not in cfg.train_dataloader.dataset


@pytest.mark.parametrize(
    ('settings', 'reason'),
    [
        (dict(shards='node'), "sampler InfiniteSampler with shards='node'"),
        (dict(images='stream:b'), "sampler InfiniteSampler with images='stream:b'"),
    ],
)
def test_another_sampler_falls_back_and_is_named(cfg, settings, reason):
    cfg.train_dataloader.sampler.sampler.type = 'InfiniteSampler'
    before = copy.deepcopy(cfg._cfg_dict)
    cfg.fast_lane = settings
    assert apply_fast_lane(cfg) == [f'fast lane: not used, it does not know {reason}']
    assert cfg.train_dataloader == before.train_dataloader
