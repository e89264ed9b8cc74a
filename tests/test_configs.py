"""Every shipped config: wiring of the codec after merging, and a real step of each."""

import copy
import json
from pathlib import Path

import merged_configs
import pytest
import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmengine.structures import PixelData
from mmpose.datasets.datasets.utils import parse_pose_metainfo
from mmpose.registry import MODELS, TRANSFORMS
from mmpose.testing import get_packed_inputs

from gm_pose.codecs.dataset_metainfo import find_metainfo_files
from gm_pose.runs.checks.codec_agreement import check_codec_agreement
from gm_pose.runs.checks.outline import read_outline

CONFIGS = Path(__file__).parents[1] / 'configs'
FILES = sorted(CONFIGS.rglob('*.py'))
ALL = [path for path in FILES if 'datasets' not in path.parts]  # those hold metainfo
LEAVES = [path for path in ALL if '_base_' not in path.parts]
PAPER_ROWS = ['sigma20', 'sigma15', 'set1', 'set2', 'gm_set1', 'gm_set2']
HEADER = ('# Command: ', '# Expected: ', '# Hardware', '# Status: ')


def name_of(path: Path) -> str:
    return str(path.relative_to(CONFIGS))


def load(name: str) -> Config:
    return Config.fromfile(CONFIGS / name)


def test_all_rows_of_the_paper_are_shipped():
    names = {name_of(path) for path in LEAVES}
    wanted = {f'{row}_res50_coco.py' for row in PAPER_ROWS}
    wanted |= {f'as_published/{row}_res50_coco_as_published.py' for row in PAPER_ROWS}
    assert wanted <= names


def test_basenames_are_unique_as_mim_finds_configs_by_them():
    names = [path.name for path in FILES]
    assert sorted(names) == sorted(set(names))


@pytest.mark.parametrize('path', LEAVES, ids=name_of)
def test_header_states_command_expectation_and_status(path):
    head = path.read_text().split('\n_base_')[0]
    for field in HEADER:
        assert field in head, f'{path.name} lacks "{field}"'
    assert path.name in head, 'the command in the header names another config'
    status = head.split('# Status: ')[1].split()[0].rstrip('.,')
    assert status in ('reproduced', 'running', 'not')


def test_merged_configs_are_those_of_the_table(monkeypatch):
    """The table states what runs; tests/merged_configs.py writes it anew."""
    monkeypatch.delenv('COCO_ROOT', raising=False)
    table = json.loads(merged_configs.TABLE.read_text())
    assert json.loads(json.dumps(merged_configs.make_table())) == table
    assert {*table} == {path.name for path in ALL}


@pytest.mark.parametrize('path', ALL, ids=name_of)
def test_encoder_decoder_and_codec_are_one_after_merging(path):
    cfg = Config.fromfile(path)
    outline = read_outline(cfg)
    places = {place.path: place.config for place in outline.codec_copies}
    assert 'model.head.decoder' in places
    assert any(place.startswith('train_dataloader') for place in places)
    assert cfg.codec.type == 'JointAdaptiveMSRAHeatmap'
    for place, codec in places.items():
        assert dict(codec) == dict(cfg.codec), place
    pipelines = [cfg.train_pipeline, cfg.train_dataloader.dataset.pipeline]
    variable, running = (merged_configs.flatten(p.copy()) for p in pipelines)
    assert variable == running
    assert check_codec_agreement(outline) == []
    # Neither the base codec's keys nor MMEngine's own may leak in.
    assert '_delete_' not in cfg.pretty_text
    assert 'sigma' not in cfg.codec


def test_sigmas_of_each_row():
    rows = dict(
        sigma20=2.0,
        sigma15=1.5,
        set1='set1',
        set2='set2',
        gm_set1='set1',
        gm_set2='set2',
    )
    for row, sigmas in rows.items():
        plain = load(f'{row}_res50_coco.py')
        published = load(f'as_published/{row}_res50_coco_as_published.py')
        assert plain.codec.sigmas == published.codec.sigmas == sigmas
        assert plain.codec.get('alignment', 'centered') == 'centered'
        assert published.codec.alignment == 'legacy_msra'
        for cfg in (plain, published):
            has_block = cfg.model.get('neck', {}).get('type') == 'GaussianMixtureBlock'
            assert has_block == row.startswith('gm_')


def test_recommended_config_trains_with_the_squares_of_mmposes_joint_weights():
    cfg = load('gm_best_res50_coco.py')
    targets = [s for s in cfg.train_pipeline if s['type'] == 'GenerateTarget']
    assert targets[0]['use_dataset_keypoint_weights']
    info = parse_pose_metainfo(cfg.train_dataloader.dataset.metainfo)
    own = parse_pose_metainfo(dict(from_file=str(find_metainfo_files()['coco'])))
    weights = info.pop('dataset_keypoint_weights')
    assert weights == pytest.approx(own.pop('dataset_keypoint_weights') ** 2)
    assert str(info) == str(own)


def test_as_published_uses_ground_truth_boxes_and_no_flip_test():
    cfg = load('as_published/set2_res50_coco_as_published.py')
    assert cfg.val_dataloader.dataset.bbox_file is None
    assert cfg.test_dataloader.dataset.bbox_file is None
    assert cfg.model.test_cfg.flip_test is False


def test_recipe_is_the_base_recipe_of_mmpose():
    ours = load('gm_set2_res50_coco.py')
    base = Config.fromfile(CONFIGS / '_base_' / 'res50_coco_256x192.py')
    for key in ('optim_wrapper', 'param_scheduler', 'auto_scale_lr'):
        assert ours[key] == base[key]
    assert ours.train_cfg.max_epochs == 210
    assert ours.model.head.loss == dict(type='KeypointMSELoss', use_target_weight=True)


def test_data_root_comes_from_the_environment(monkeypatch):
    monkeypatch.setenv('COCO_ROOT', '/somewhere/coco')
    cfg = load('gm_set2_res50_coco.py')
    for loader in (cfg.train_dataloader, cfg.val_dataloader, cfg.test_dataloader):
        assert loader.dataset.data_root == '/somewhere/coco/'
    for evaluator in (cfg.val_evaluator, cfg.test_evaluator):
        assert evaluator.ann_file.startswith('/somewhere/coco/annotations/')
    assert cfg.val_dataloader.dataset.bbox_file.startswith('/somewhere/coco/person')


@pytest.mark.parametrize('path', LEAVES, ids=name_of)
def test_model_trains_and_predicts(path):
    cfg = Config.fromfile(path)
    init_default_scope('mmpose')
    cfg.model.backbone.init_cfg = None  # no download in a test
    torch.manual_seed(0)
    model = MODELS.build(copy.deepcopy(cfg.model))
    width, height = cfg.codec.input_size
    num_keypoints = cfg.model.head.out_channels
    packed = get_packed_inputs(
        1,
        input_size=(height, width),
        num_keypoints=num_keypoints,
        img_shape=(height, width),
    )
    target = TRANSFORMS.build(dict(type='GenerateTarget', encoder=cfg.codec))
    for sample in packed['data_samples']:
        results = dict(
            transformed_keypoints=sample.gt_instances.keypoints,
            keypoints_visible=sample.gt_instances.keypoints_visible,
            dataset_keypoint_weights=[1.0] * num_keypoints,
        )
        encoded = target.transform(results)
        sample.gt_fields = PixelData(heatmaps=torch.from_numpy(encoded['heatmaps']))
        sample.gt_instance_labels.keypoint_weights = torch.from_numpy(
            encoded['keypoint_weights']
        )
    data = model.data_preprocessor(packed, training=True)
    losses = model(**data, mode='loss')
    losses['loss_kpt'].backward()
    assert torch.isfinite(losses['loss_kpt'])
    model.eval()
    with torch.no_grad():
        result = model(**data, mode='predict')[0]
        heatmaps = model(data['inputs'], None, mode='tensor')
    assert heatmaps.shape == (1, num_keypoints, *cfg.codec.heatmap_size[::-1])
    assert result.pred_instances.keypoints.shape == (1, num_keypoints, 2)
