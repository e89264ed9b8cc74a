"""Configs that a run dumped before the renaming still load, with a warning."""

import pytest
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmpose.registry import DATASETS, HOOKS

from gm_pose.runs.hooks import ValidateOnResumeHook
from gm_pose.runs.launch.run_defaults import add_run_defaults
from gm_pose.runs.loading import SeededDataset


def test_old_dataset_is_the_new_one():
    init_default_scope('mmpose')
    with pytest.warns(DeprecationWarning, match='use SeededDataset'):
        dataset = DATASETS.build(
            dict(type='GuardedDataset', dataset=[1, 2], max_tries=3)
        )
    assert isinstance(dataset, SeededDataset)
    assert dataset.max_tries == 3
    assert len(dataset) == 2


def test_old_hook_is_the_new_one():
    with pytest.warns(DeprecationWarning, match='use ValidateOnResumeHook'):
        hook = HOOKS.build(dict(type='PendingValidationHook'))
    assert isinstance(hook, ValidateOnResumeHook)


def test_old_names_are_not_added_again_under_the_new_ones():
    inner = dict(type='CocoDataset')
    cfg = Config(
        dict(
            train_dataloader=dict(dataset=dict(type='GuardedDataset', dataset=inner)),
            custom_hooks=[dict(type='PendingValidationHook')],
        )
    )
    add_run_defaults(cfg)
    assert cfg.train_dataloader.dataset.type == 'GuardedDataset'
    assert 'ValidateOnResumeHook' not in [hook.type for hook in cfg.custom_hooks]
