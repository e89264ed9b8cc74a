"""A checkpoint fits if MMPose loads all of it, names of its 0.x versions included."""

import warnings
from collections import OrderedDict

import pytest
import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmengine.runner import load_checkpoint
from mmpose.registry import MODELS

from gm_pose.runs.checks.checkpoint_fit import check_checkpoint_fits
from gm_pose.runs.checks.model_building import build_meta_model
from gm_pose.runs.user_errors import UserError


@pytest.fixture
def cfg(write_config):
    init_default_scope('mmpose')
    return Config.fromfile(write_config())


def rename(weights: dict, old: str, new: str) -> OrderedDict:
    """Without `_metadata`, so without the versions of MMPose 1.x's modules."""
    return OrderedDict(
        (new + name.removeprefix(old) if name.startswith(old) else name, value)
        for name, value in weights.items()
    )


@pytest.mark.parametrize('on_meta', [True, False])
def test_weights_of_mmpose_0_fit_as_mmpose_loads_them(cfg, on_meta, tmp_path):
    trained = MODELS.build(cfg.model)
    checkpoint = dict(
        state_dict=rename(trained.state_dict(), 'head.', 'keypoint_head.')
    )
    path = tmp_path / 'old.pth'
    torch.save(checkpoint, path)
    loaded = MODELS.build(cfg.model)
    load_checkpoint(loaded, str(path))
    for name, value in trained.state_dict().items():
        assert torch.equal(loaded.state_dict()[name], value), name

    model = build_meta_model(cfg.model) if on_meta else MODELS.build(cfg.model)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    names = list(checkpoint['state_dict'])
    check_checkpoint_fits(checkpoint, model, 'old.pth')
    assert list(checkpoint['state_dict']) == names
    if not on_meta:
        for name, value in model.state_dict().items():
            assert torch.equal(before[name], value), name


def test_weights_of_another_component_do_not_fit(cfg):
    weights = MODELS.build(cfg.model).state_dict()
    with pytest.raises(UserError, match=r'lacks \d+ weights of model\.head'):
        check_checkpoint_fits(
            dict(state_dict=rename(weights, 'head.', 'mask_head.')),
            build_meta_model(cfg.model),
            'other.pth',
        )


def test_weight_of_another_shape_is_named(cfg):
    weights = MODELS.build(cfg.model).state_dict()
    name = 'backbone.layer1.0.conv1.weight'
    weights[name] = weights[name][:, :4]
    with pytest.raises(UserError, match=r'conv1.weight has shape \[8, 4, 3, 3\] in it'):
        check_checkpoint_fits(weights, build_meta_model(cfg.model), 'thin.pth')


def test_weights_of_before_pytorch_0_4_1_fit_silently(cfg):
    weights = {
        name: value
        for name, value in MODELS.build(cfg.model).state_dict().items()
        if not name.endswith('num_batches_tracked')
    }
    model = build_meta_model(cfg.model)
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        check_checkpoint_fits(weights, model, 'old.pth')
