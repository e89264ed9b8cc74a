from functools import partial

import numpy as np
import pytest
import torch
from mmengine.registry import init_default_scope
from mmpose.registry import KEYPOINT_CODECS, MODELS

from studies.training.build_config import build_config
from studies.training.datasets import DATASETS, ROOT
from studies.training.efficientnet_lite0 import find_missing_packages
from studies.variants.catalog import VARIANTS

PAIRS = [
    pytest.param(variant, dataset, id=f'{name}-{variant.name}')
    for variant in VARIANTS.values()
    for name, dataset in DATASETS.items()
    if variant.runs_on(name)
]
build = partial(build_config, dataset=DATASETS['studio17'], seed=0)


def get_encoder(cfg):
    steps = cfg.train_dataloader.dataset.pipeline
    return next(step for step in steps if step.type == 'GenerateTarget')


def get_joint_weights(cfg):
    return np.asarray(cfg.train_dataloader.dataset.metainfo.joint_weights)


def encode_weights(codec):
    """Loss weights (17,) that a codec's config gives visible joints."""
    joints = np.full((1, 17, 2), 40.0, dtype=np.float32)
    return KEYPOINT_CODECS.build(codec).encode(joints)['keypoint_weights'][0]


@pytest.mark.parametrize(('variant', 'dataset'), PAIRS)
def test_encoder_equals_decoder_equals_codec(variant, dataset, monkeypatch):
    monkeypatch.chdir(ROOT)
    cfg = build_config(variant, dataset, seed=0)
    assert get_encoder(cfg).encoder == cfg.codec
    assert cfg.model.head.decoder == cfg.codec
    codec = KEYPOINT_CODECS.build(cfg.codec)
    assert codec.unbiased == variant.codec.get('unbiased', False)
    assert cfg.model.head.out_channels == dataset.num_joints
    joints = np.full((1, dataset.num_joints, 2), 40.0, dtype=np.float32)
    assert codec.encode(joints)['heatmaps'].shape == (dataset.num_joints, 64, 48)


def test_building_one_config_does_not_change_the_next():
    first = build(VARIANTS['subcell-uniform2']).to_dict()
    build(VARIANTS['subcell-sqrtoks2-balanced-block'])
    build(VARIANTS['subcell-uniform2-jw2'])
    assert build(VARIANTS['subcell-uniform2']).to_dict() == first


def test_weights_of_a_table_are_those_of_the_balanced_table():
    weighted = build(VARIANTS['subcell-uniform2-weights-sqrtoks2'])
    balanced = build(VARIANTS['subcell-sqrtoks2-balanced'])
    # rounded to 6 digits in the config
    np.testing.assert_allclose(
        get_joint_weights(weighted), encode_weights(balanced.codec), atol=1e-6
    )
    assert get_encoder(weighted).use_dataset_keypoint_weights


def test_inverse_sigma_weights_are_multiplied_with_the_datasets_own():
    cfg = build(VARIANTS['subcell-oks2.5max2.5-inversesigma-jw'])
    plain = build(VARIANTS['subcell-oks2.5max2.5-balanced-jw'])
    sigmas = np.asarray(cfg.codec.sigmas)
    assert cfg.codec.sigmas == plain.codec.sigmas
    assert not cfg.codec.get('balance_weights', False)
    expected = get_joint_weights(plain) / sigmas / (1 / sigmas).mean()
    # rounded to 6 digits in the config, then times at most 1.5
    np.testing.assert_allclose(get_joint_weights(cfg), expected, atol=1.5e-6)
    assert get_encoder(cfg).use_dataset_keypoint_weights


def test_weights_may_be_those_of_another_table_times_the_datasets_own():
    uniform = build(VARIANTS['subcell-uniform2.5-weights-face1-rest2.5-jw'])
    table = build(VARIANTS['subcell-face1-rest2.5-balanced-jw'])
    expected = encode_weights(table.codec) * get_joint_weights(table)
    np.testing.assert_allclose(get_joint_weights(uniform), expected, atol=1.5e-6)
    assert uniform.codec.sigmas == 2.5


def test_jw2_are_the_squares_of_jw():
    jw = get_joint_weights(build(VARIANTS['subcell-uniform2-jw']))
    jw2 = get_joint_weights(build(VARIANTS['subcell-uniform2-jw2']))
    assert sorted(set(jw)) == [1.0, 1.2, 1.5]
    np.testing.assert_allclose(jw2, jw**2, atol=1e-6)


def test_plain_variants_ignore_the_datasets_own_joint_weights():
    cfg = build(VARIANTS['subcell-sqrtoks2-balanced'])
    assert not get_encoder(cfg).get('use_dataset_keypoint_weights', False)


@pytest.mark.skipif(
    bool(find_missing_packages()),
    reason='the study backbone is an optional extra: requirements/study.txt',
)
@pytest.mark.parametrize(
    'name',
    [
        'subcell-uniform2',
        'subcell-sqrtoks2-balanced-block',
        'subcell-uniform2-block-after',
    ],
)
def test_models_build_and_give_heatmaps(name):
    init_default_scope('mmpose')
    torch.manual_seed(0)
    model = MODELS.build(build(VARIANTS[name]).model).eval()
    with torch.no_grad():
        heatmaps = model(torch.zeros(1, 3, 128, 96), None, mode='tensor')
    assert heatmaps.shape == (1, 17, 64, 48)
