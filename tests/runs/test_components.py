"""What is right passes every check: shipped configs, and stock ones of MMPose."""

from pathlib import Path

import pytest
from mmengine.config import Config

from gm_pose.runs.checks.components import check_import
from gm_pose.runs.checks.outline import read_outline
from gm_pose.runs.checks.run_checks import TRAIN_CHECKS, run_checks
from gm_pose.runs.launch.run_defaults import RUN_HOOKS, add_run_defaults

FILE_CHECKS = ('check_import', 'check_data_files', 'check_annotation_files')
CHECKS = [check for check in TRAIN_CHECKS if check.__name__ not in FILE_CHECKS]
CONFIGS = Path(__file__).parents[2] / 'configs'
OURS = sorted(path for path in CONFIGS.rglob('*.py') if '_base_' not in path.parts)
STOCK = [
    'body_2d_keypoint/topdown_heatmap/coco/td-hm_res50_8xb64-210e_coco-256x192.py',
    'body_2d_keypoint/topdown_heatmap/coco/td-hm_vipnas-res50_8xb64-210e_coco-256x192.py',
    'body_2d_keypoint/topdown_heatmap/crowdpose/'
    'td-hm_res50_8xb64-210e_crowdpose-256x192.py',
    'body_2d_keypoint/topdown_regression/coco/'
    'td-reg_mobilenetv2_rle-pretrained-8xb64-210e_coco-256x192.py',
    'body_2d_keypoint/simcc/coco/simcc_res50_8xb64-210e_coco-256x192.py',
    'body_2d_keypoint/topdown_heatmap/coco/'
    'td-hm-vis_res50_8xb64-210e_coco-aic-256x192-merge.py',  # two datasets in one
    'body_2d_keypoint/topdown_heatmap/coco/'
    'td-hm_hrnet-w32_8xb64-210e_coco-aic-256x192-combine.py',
    'hand_2d_keypoint/topdown_heatmap/onehand10k/'
    'td-hm_res50_8xb32-210e_onehand10k-256x256.py',
]


def list_all(cfg: Config) -> list[str]:
    return run_checks(read_outline(cfg), CHECKS).texts


def check_all(cfg: Config) -> None:
    assert list_all(cfg) == []


@pytest.mark.parametrize('path', OURS, ids=lambda path: path.stem)
def test_shipped_config_passes_every_check(path):
    cfg = Config.fromfile(path)
    assert check_import(read_outline(cfg)) == []
    check_all(cfg)


@pytest.mark.parametrize('name', STOCK, ids=lambda name: Path(name).stem)
def test_stock_config_passes_every_check(name, tmp_path):
    path = tmp_path / 'stock.py'
    path.write_text(f"_base_ = ['mmpose::{name}']\n")
    check_all(Config.fromfile(path))


@pytest.mark.parametrize('kind', [None, 'Evaluator', 'MultiDatasetEvaluator'])
def test_metrics_in_an_evaluator_of_their_own_pass_every_check(kind):
    cfg = Config.fromfile(OURS[0])
    cfg.val_evaluator = dict(metrics=[dict(cfg.val_evaluator)])
    if kind is not None:
        cfg.val_evaluator.type = kind
    if kind == 'MultiDatasetEvaluator':
        cfg.val_evaluator.datasets = [cfg.val_dataloader.dataset]
    check_all(cfg)


@pytest.mark.parametrize('path', OURS[:1], ids=lambda path: path.stem)
def test_run_defaults_are_in_the_dumped_config_once(path, tmp_path):
    cfg = Config.fromfile(path)
    cfg.custom_hooks.append(dict(type='BadImageReportHook', max_share=0.2))
    before = list(cfg.custom_hooks)
    add_run_defaults(cfg)
    add_run_defaults(cfg)  # as a run started from the dumped config does
    cfg.dump(tmp_path / 'dumped.py')
    dumped = Config.fromfile(tmp_path / 'dumped.py')
    names = [hook.type for hook in dumped.custom_hooks]
    assert names[: len(before)] == [hook['type'] for hook in before]
    assert sorted(names) == sorted({*names})
    assert {*RUN_HOOKS} <= {*names}
    assert dumped.custom_hooks[len(before) - 1].max_share == 0.2
    assert dumped.default_hooks.checkpoint.type == 'AtomicCheckpointHook'
    loader = dumped.train_dataloader
    assert loader.dataset.type == 'SeededDataset'
    assert loader.dataset.dataset.type == 'CocoDataset'
    assert loader.sampler.type == 'SeededSampler'
    assert loader.sampler.sampler.type == 'DefaultSampler'
    for name in ('train', 'val', 'test'):
        (split,) = read_outline(dumped, (name,)).splits
        (dataset,) = [dataset for dataset in split.datasets if dataset.is_posed]
        steps = [step.get('type') for step in dataset.steps]
        assert steps[0] == 'LoadReadableImage'
    check_all(dumped)


def test_fix_of_the_class_is_the_only_one():
    from gm_pose.runs.checks.component_arguments import explain_mistake

    stated = explain_mistake(ValueError('sigma is 20. Fix: give cells'), 'codec')
    assert str(stated) == 'codec cannot be built: sigma is 20. Fix: give cells'
    other = explain_mistake(ValueError('sigma is 20'), 'codec')
    assert str(other).endswith('sigma is 20. Fix: correct it in the config')
