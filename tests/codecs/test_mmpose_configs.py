"""The documented recipe on MMPose's own configs: merged result, forward, loss, predict.

The lines are those of docs/use-the-codec.md; only the base config and `sigmas` change. What
runs is the merged config's own training and test pipeline, without reading an image file.
All 278 top-down heatmap configs are tried for what needs no model: from the image to
targets and back.
"""

import copy
import re
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.dataset import Compose, pseudo_collate
from mmengine.registry import init_default_scope
from mmpose.datasets.datasets.utils import parse_pose_metainfo
from mmpose.registry import KEYPOINT_CODECS, MODELS
from mmpose_configs import NAMES, crop, load_with_codec, to_image

import gm_pose  # noqa: F401
from gm_pose.codecs import JointAdaptiveMSRAHeatmap
from gm_pose.codecs.dataset_metainfo import find_metainfo_files

DOC = Path(__file__).parents[2] / 'docs' / 'use-the-codec.md'
BODY = 'body_2d_keypoint/topdown_heatmap'
# MMPose config, metainfo, sigmas, K
CASES = {
    'hrnet_coco': (
        f'{BODY}/coco/td-hm_hrnet-w32_8xb64-210e_coco-256x192.py',
        'coco',
        "dict(oks='coco', mean=2.0, power=0.5)",
        17,
    ),
    'vitpose_coco': (
        f'{BODY}/coco/td-hm_ViTPose-small_8xb64-210e_coco-256x192.py',
        'coco',
        "'set2'",
        17,
    ),
    'hrnet_udp_coco': (
        f'{BODY}/coco/td-hm_hrnet-w32_udp-8xb64-210e_coco-256x192.py',
        'coco',
        'dict(default=2.0, nose=1.0)',
        17,
    ),
    'resnet_vis_coco_aic': (
        f'{BODY}/coco/td-hm-vis_res50_8xb64-210e_coco-aic-256x192-merge.py',
        'coco',
        "'set1'",
        17,
    ),
    'resnet_mpii': (
        f'{BODY}/mpii/td-hm_res50_8xb64-210e_mpii-256x256.py',
        'mpii',
        "dict(oks='mpii', mean=2.0)",
        16,
    ),
    'resnet_crowdpose': (
        f'{BODY}/crowdpose/td-hm_res50_8xb64-210e_crowdpose-256x192.py',
        'crowdpose',
        "dict(oks='crowdpose', mean=1.5)",
        14,
    ),
    'hrnet_coco_wholebody': (
        'wholebody_2d_keypoint/topdown_heatmap/coco-wholebody/'
        'td-hm_hrnet-w32_8xb64-210e_coco-wholebody-256x192.py',
        'coco_wholebody',
        "dict(oks='coco_wholebody', mean=2.0, power=0.5)",
        133,
    ),
    'resnet_ap10k': (
        'animal_2d_keypoint/topdown_heatmap/ap10k/'
        'td-hm_res50_8xb64-210e_ap10k-256x256.py',
        'ap10k',
        "dict(oks='ap10k', mean=2.0, power=0.5)",
        17,
    ),
}


def read_recipe() -> str:
    block = re.search(r'```python\n(.*?)```', DOC.read_text(), re.S).group(1)
    assert len(block.strip().splitlines()) <= 5
    return block


@pytest.fixture(scope='module')
def merged(request, tmp_path_factory):
    """Merged config, dataset name, K of a case."""
    base, dataset, sigmas, num_joints = CASES[request.param]
    recipe = re.sub(r"'mmpose::[^']*'", f"'mmpose::{base}'", read_recipe())
    recipe, count = re.subn(r'sigmas=dict\([^)]*\)', f'sigmas={sigmas}', recipe)
    assert count == 1
    if 'vis' in request.param:  # refused, see test_with_codec.py
        recipe = recipe.replace(' balance_weights=True,', '')
    path = tmp_path_factory.mktemp('merged') / f'{request.param}.py'
    path.write_text(recipe)
    return Config.fromfile(str(path)), dataset, num_joints


def make_person(dataset: str, num_joints: int) -> dict:
    """What MMPose's dataset hands to its pipeline, with an image in it."""
    rng = np.random.default_rng(0)
    metainfo = parse_pose_metainfo(dict(from_file=str(find_metainfo_files()[dataset])))
    assert metainfo['num_keypoints'] == num_joints
    keys = ('upper_body_ids', 'lower_body_ids', 'flip_pairs', 'flip_indices')
    return dict(
        img=rng.integers(0, 255, (300, 260, 3), dtype=np.uint8),
        img_path='none',
        img_shape=(300, 260),
        ori_shape=(300, 260),
        id=0,
        img_id=0,
        bbox=np.array([[30, 20, 220, 280]], dtype=np.float32),
        bbox_score=np.ones(1, dtype=np.float32),
        keypoints=rng.uniform(40, 210, (1, num_joints, 2)).astype(np.float32),
        keypoints_visible=np.ones((1, num_joints), dtype=np.float32),
        dataset_keypoint_weights=metainfo['dataset_keypoint_weights'],
        **{key: metainfo[key] for key in keys},
    )


def run_pipeline(pipeline, person: dict) -> dict:
    steps = [step for step in pipeline if step['type'] != 'LoadImage']
    return pseudo_collate([Compose(steps)(dict(person))] * 2)


def walk(node):
    """All dicts inside a config."""
    if isinstance(node, dict):
        yield node
        for value in node.values():
            yield from walk(value)
    elif isinstance(node, (list, tuple)):
        for value in node:
            yield from walk(value)


@pytest.mark.filterwarnings('ignore')
@pytest.mark.parametrize('merged', CASES, indirect=True)
def test_recipe_leaves_one_codec_and_nothing_of_the_base(merged):
    cfg = merged[0].to_dict()
    encoders = [
        step['encoder']
        for step in cfg['train_dataloader']['dataset']['pipeline']
        if step['type'] == 'GenerateTarget'
    ]
    assert encoders == [cfg['codec']]
    head = cfg['model']['head']
    assert head.get('pose_cfg', head)['decoder'] == cfg['codec']
    assert cfg['codec']['type'] == 'JointAdaptiveMSRAHeatmap'
    assert 'sigma' not in cfg['codec']
    assert not [d for d in walk(cfg) if '_delete_' in d]
    others = {d['type'] for d in walk(cfg) if str(d.get('type')).endswith('Heatmap')}
    assert others == {'JointAdaptiveMSRAHeatmap'}


@pytest.mark.filterwarnings('ignore')
@pytest.mark.parametrize('merged', CASES, indirect=True)
def test_forward_loss_and_predict_in_mmposes_own_config(merged, request):
    cfg, dataset, num_joints = copy.deepcopy(merged)
    init_default_scope('mmpose')
    if cfg.model.backbone.type.startswith('mmpretrain.'):
        pytest.importorskip(
            'mmpretrain', reason='ViTPose takes its backbone from mmpretrain'
        )
    cfg.model.backbone.init_cfg = None  # no weights from the net
    torch.manual_seed(0)
    np.random.seed(0)  # noqa: NPY002  (MMPose's transforms draw from it)
    model = MODELS.build(cfg.model)
    decoder = getattr(model.head, 'pose_head', model.head).decoder
    assert isinstance(decoder, JointAdaptiveMSRAHeatmap)
    assert decoder.sigmas_cells.shape == (num_joints,)
    person = make_person(dataset, num_joints)
    width, height = cfg.codec.heatmap_size

    batch = run_pipeline(cfg.train_dataloader.dataset.pipeline, person)
    target = batch['data_samples'][0].gt_fields.heatmaps
    assert target.shape == (num_joints, height, width)
    assert 0.5 < target.max() <= 1
    batch = model.data_preprocessor(batch, training=True)
    with torch.no_grad():
        losses = model(**batch, mode='loss')
    assert torch.isfinite(losses['loss_kpt'])
    assert losses['loss_kpt'] > 0

    model.eval()
    batch = run_pipeline(cfg.val_dataloader.dataset.pipeline, person)
    batch = model.data_preprocessor(batch, training=False)
    calls = []
    original = decoder.batch_decode
    decoder.batch_decode = lambda maps: calls.append(1) or original(maps)
    with torch.no_grad():
        heatmaps = model(**batch, mode='tensor')
        if isinstance(heatmaps, tuple):  # VisPredictHead: with the visibilities
            heatmaps = heatmaps[0]
        samples = model(**batch, mode='predict')
    assert heatmaps.shape == (2, num_joints, height, width)
    assert calls == [1]  # one batch, one call
    for sample in samples:
        assert sample.pred_instances.keypoints.shape == (1, num_joints, 2)
        assert sample.pred_instances.keypoint_scores.shape == (1, num_joints)
        assert np.isfinite(sample.pred_instances.keypoints).all()


def test_flip_test_is_off_by_half_a_px_with_shift_heatmap_as_documented():
    """x px -> x / 4 cells; flipped image: (191 - x) / 4 = 47.75 - x / 4; flipped map: index
    47 - (47.75 - x / 4) = x / 4 - 0.75; shifted by one: + 0.25. Half of it remains in the
    mean map, whose two Gaussians are alike: -1.5 px or +0.5 px."""
    codec = JointAdaptiveMSRAHeatmap((192, 256), (48, 64), 2.0, unbiased=True)
    joints = np.random.default_rng(0).uniform(40, 150, (1, 200, 2)).astype(np.float32)
    flipped = (joints * [-1, 1] + [191, 0]).astype(np.float32)
    maps = codec.encode(joints)['heatmaps']
    back = codec.encode(flipped)['heatmaps'][..., ::-1]
    shifted = back.copy()
    shifted[..., 1:] = back[..., :-1]
    errors = [
        (codec.decode((maps + other) / 2)[0] - joints)[..., 0].mean()
        for other in (back, shifted)
    ]
    assert errors == pytest.approx([-1.5, 0.5], abs=0.01)


@pytest.mark.slow
@pytest.mark.filterwarnings('ignore')
def test_every_config_of_mmpose_brings_joints_back_or_is_refused(tmp_path):
    """Image -> crop -> maps -> joints -> image, through each config's own pipelines.

    0.01 px of the image: the fit's own error at sigmas of 2 and 3 cells is below 5e-4
    cells, and a cell has up to 20 px of the image (32 cells for 1.25 * 500 px).
    """
    rng = np.random.default_rng(0)
    # away from the border, which cuts no Gaussian of 3 sigma there
    joints = rng.uniform((90, 120), (285, 380), (1, 20, 2)).astype(np.float32)
    outcomes = Counter()
    for name in NAMES:
        try:
            cfg = load_with_codec(name, tmp_path, 'unbiased=True')
        except ValueError as error:
            outcomes[str(error).partition(';')[0]] += 1
            continue
        codec = KEYPOINT_CODECS.build(cfg.codec.to_dict())
        parts = [
            d for d in walk(cfg.to_dict()) if str(d.get('type')).endswith('Heatmap')
        ]
        assert len(parts) >= 4  # variables, data loader, head
        assert all(part == cfg.codec.to_dict() for part in parts), name
        for split in ('train', 'val', 'test'):
            cropped = crop(cfg, joints, split)
            maps = codec.encode(cropped['transformed_keypoints'])['heatmaps']
            found = to_image(codec.decode(maps)[0], cropped)
            assert np.abs(found - joints).max() < 0.01, (name, split)
        outcomes[codec.grid] += 1
    assert outcomes == {
        'stride': 244,
        'udp': 25,
        'the encoder is a list of 4 codecs, one per stage (MSPN, RSN)': 3,
        'the encoder is a list of 5 codecs, one per stage (MSPN, RSN)': 5,
        "the codec's heatmap_type is 'combined', with 3 maps per joint in head and loss": 1,
    }
