"""Wrong input is refused with value, place and fix; nothing is written."""

import pytest
import torch
from tiny_runs import NO_VALIDATION, refuse

WITH_VALIDATION = {
    'metric argument',
    'metric of another kind',
    'metrics in a tuple',
    'wrapped metric, its type',
    'evaluator type',
    'half a validation',
}
WRAPPED = 'inner = dict(_base_.train_dataloader.dataset, pipeline=train_pipeline)\n'
# id: (text at the end of the config, arguments, what the sentence has to contain)
CONFIGS = {
    'syntax error': ('model = dict(', [], ['tiny.py', 'cannot be read']),
    'missing import': (
        "custom_imports = dict(imports=['no_such_package'])",
        [],
        ['no_such_package'],
    ),
    'unknown name': (
        'x = 1\ny = undefined_name',
        [],
        ['NameError in line', 'undefined_name', 'tiny.py'],
    ),
    'unknown name of the base': (
        'x = _base_.nothing.deeper',
        [],
        ['AttributeError in line', 'nothing', 'tiny.py'],
    ),
    'our part without our import': (
        "custom_imports = dict(imports=['tiny_components'])",
        [],
        ['does not import gm_pose', 'custom_imports'],
    ),
    'no model': ('model = None', [], ['no `model`']),
    'model of another kind': ('model = 3', [], ['model is 3']),
    'head of another kind': (
        '',
        ['--cfg-options', 'model.head=3'],
        ['model.head is 3'],
    ),
    'no training section': ('train_cfg = None', [], ['no train_cfg']),
    'logging package': (
        "vis_backends = [dict(type='AimVisBackend')]\n"
        "visualizer = dict(type='PoseLocalVisualizer', vis_backends=vis_backends)",
        [],
        ['AimVisBackend', 'not installed', 'pip install aim'],
    ),
    'codec type': (
        "codec['type'] = 'JointAdaptiveMSRAHeatmp'",
        [],
        ['JointAdaptiveMSRAHeatmp', 'did you mean JointAdaptiveMSRAHeatmap'],
    ),
    'codec argument': (
        "codec['sigmass'] = 2.0",
        [],
        ['sigmass', 'did you mean sigmas'],
    ),
    'codec negative sigma': ("codec['sigmas'] = -1.0", [], ['codec', '-1']),
    'codec table': ("codec['sigmas'] = 'set3'", [], ['set3', 'set2']),
    'codec wrong K': ("codec['sigmas'] = [2.0] * 14", [], ['14', '17']),
    'codec alignment': ("codec['alignment'] = 'centred'", [], ['centred', 'centered']),
    'heatmap size': (
        "codec['heatmap_size'] = (24, 32)",
        [],
        ['heatmap_size is (24, 32)', '(12, 16)'],
    ),
    'two codecs': (
        "train_pipeline[6]['encoder'] = dict(codec, sigmas=3.0)",
        [],
        ['sigmas', '3.0', 'disagree'],
    ),
    'neck type': (
        "model['neck']['type'] = 'GaussianMixturBlock'",
        [],
        ['model.neck.type', 'did you mean GaussianMixtureBlock'],
    ),
    'neck argument': (
        "model['neck'] = dict(type='GaussianMixtureBlock', in_channels=8, "
        'num_component=3)',
        [],
        ['num_component', 'model.neck'],
    ),
    'neck channels': (
        "model['neck'] = dict(type='GaussianMixtureBlock', in_channels=2048)",
        [],
        ['2048', 'in_channels'],
    ),
    'head type': ("model['head']['type'] = 'HeatmapHed'", [], ['HeatmapHed']),
    'head argument': (
        "model['head']['out_channel'] = 17",
        [],
        ['out_channel', 'did you mean out_channels'],
    ),
    'head wrong K': ("model['head']['out_channels'] = 14", [], ['14', '17 keypoints']),
    'head channels': ("model['head']['in_channels'] = 2048", [], ['in_channels']),
    'backbone type': ("model['backbone']['type'] = 'ResNett'", [], ['ResNett']),
    'backbone depth': ("model['backbone']['depth'] = 19", [], ['19', 'model']),
    'loss type': (
        "model['head']['loss'] = dict(type='KeypointMSELos')",
        [],
        ['KeypointMSELos'],
    ),
    'weights that the loss ignores': (
        "codec['balance_weights'] = True\n"
        "model['head']['loss'] = dict(_delete_=True, type='KeypointMSELoss')",
        [],
        ['balance_weights', 'model.head.loss.use_target_weight=True'],
    ),
    'transform type': (
        "train_pipeline[2]['type'] = 'RandomFlipp'",
        [],
        ['RandomFlipp', 'pipeline.2', 'did you mean RandomFlip'],
    ),
    'transform argument': (
        "train_pipeline[2]['probability'] = 0.5",
        [],
        ['probability', 'pipeline.2'],
    ),
    'dataset type': (
        "train_dataloader['dataset']['type'] = 'CocoDatset'",
        [],
        ['CocoDatset', 'did you mean CocoDataset'],
    ),
    'dataset argument': (
        "train_dataloader['dataset']['annfile'] = 'x'",
        [],
        ['annfile', 'did you mean ann_file'],
    ),
    'annotation file of none': (
        "train_dataloader['dataset']['ann_file'] = None",
        [],
        ['train_dataloader.dataset.ann_file is None'],
    ),
    'dataset metainfo': (
        "train_dataloader['dataset']['metainfo'] = "
        "dict(from_file='no_such_dataset.py')",
        [],
        ['no_such_dataset.py'],
    ),
    'no dataset': (
        "train_dataloader['dataset'] = None",
        [],
        ['train_dataloader.dataset is None'],
    ),
    'wrapped dataset without type': (
        WRAPPED + "inner.pop('type')\n"
        "train_dataloader['dataset'] = dict(_delete_=True, type='ConcatDataset', "
        'datasets=[inner])',
        [],
        ['train_dataloader.dataset.datasets.0 has no `type`'],
    ),
    'wrapped dataset of nothing': (
        "train_dataloader['dataset'] = dict(_delete_=True, type='RepeatDataset', "
        'times=2, dataset=dict())',
        [],
        ['train_dataloader.dataset.dataset has no `type`'],
    ),
    'dataset twice wrapped, its type': (
        WRAPPED
        + "repeated = dict(type='RepeatDataset', times=2, dataset=dict(inner))\n"
        "repeated['dataset']['type'] = 'CocoDatset'\n"
        "train_dataloader['dataset'] = dict(_delete_=True, type='CombinedDataset', "
        "metainfo=dict(from_file='configs/_base_/datasets/coco.py'), "
        'datasets=[inner, repeated])',
        [],
        ['dataset.datasets.1.dataset.type', 'did you mean CocoDataset'],
    ),
    'combined without converter': (
        WRAPPED + "model['head']['out_channels'] = 19\n"
        "train_dataloader['dataset'] = dict(_delete_=True, type='CombinedDataset', "
        "metainfo=dict(from_file='configs/_base_/datasets/coco_aic.py'), "
        'datasets=[inner])\n',
        [],
        [
            'datasets.0 has 17 keypoints',
            'train_dataloader.dataset 19',
            'num_keypoints=19',
        ],
    ),
    'combined with another number': (
        WRAPPED + "model['head']['out_channels'] = 19\n"
        "inner['pipeline'] = [dict(type='KeypointConverter', num_keypoints=14, "
        'mapping=[(0, 0)])]\n'
        "train_dataloader['dataset'] = dict(_delete_=True, type='CombinedDataset', "
        "metainfo=dict(from_file='configs/_base_/datasets/coco_aic.py'), "
        'datasets=[inner])\n',
        [],
        ['datasets.0 has 14 keypoints', 'train_dataloader.dataset 19'],
    ),
    'wrapper argument': (
        WRAPPED + "train_dataloader['dataset'] = dict(_delete_=True, "
        "type='RepeatDataset', time=2, dataset=inner)",
        [],
        ['train_dataloader.dataset.time is 2', 'did you mean times'],
    ),
    'wrapped wrong K': (
        WRAPPED + "model['head']['out_channels'] = 14\n"
        "train_dataloader['dataset'] = dict(_delete_=True, type='ConcatDataset', "
        'datasets=[inner])\n',
        [],
        ['14', 'datasets.0 has 17 keypoints'],
    ),
    'sampler type': (
        "train_dataloader['sampler'] = dict(type='DefaultSamplr')",
        [],
        ['DefaultSamplr', 'did you mean DefaultSampler'],
    ),
    'scheduler type': (
        "param_scheduler = [dict(type='MultStepLR')]",
        [],
        ['param_scheduler.0', 'did you mean MultiStepLR'],
    ),
    'scheduler argument': (
        "param_scheduler = [dict(type='MultiStepLR', milestone=[1])]",
        [],
        ['param_scheduler.0', 'did you mean milestones'],
    ),
    'metric of another kind': (
        "val_evaluator = ['CocoMetric']",
        [],
        ["val_evaluator.0 is 'CocoMetric'", '`type`'],
    ),
    'metrics in a tuple': (
        "val_evaluator = (dict(type='CocoMetric'),)",
        [],
        ['val_evaluator is a tuple'],
    ),
    'wrapped metric, its type': (
        "val_evaluator = dict(_delete_=True, metrics=[dict(type='CocMetric')])",
        [],
        ['val_evaluator.metrics.0', 'did you mean CocoMetric'],
    ),
    'evaluator type': (
        "val_evaluator = dict(_delete_=True, type='MultiEvaluator', metrics=[])",
        [],
        ['val_evaluator.type', 'MultiEvaluator'],
    ),
    'half a validation': ('val_cfg = None', [], ['no val_cfg', 'val_dataloader']),
    'metric argument': (
        'val_evaluator = dict(use_aera=True)',
        [],
        ['use_aera', 'did you mean use_area'],
    ),
    'optimizer type': (
        "optim_wrapper = dict(optimizer=dict(type='Adamm'))",
        [],
        ['Adamm', 'did you mean Adam'],
    ),
    'optimizer argument': (
        'optim_wrapper = dict(optimizer=dict(momentu=0.9))',
        [],
        ['momentu'],
    ),
    'learning rate': (
        'optim_wrapper = dict(optimizer=dict(lr=-0.1))',
        [],
        ['lr is -0.1', 'positive'],
    ),
    'hook type': (
        "custom_hooks.append(dict(type='SyncBufferHook'))",
        [],
        ['SyncBufferHook', 'did you mean SyncBuffersHook'],
    ),
    'hook argument': (
        "custom_hooks.append(dict(type='BadImageReportHook', share=1))",
        [],
        ['share', 'max_share'],
    ),
    'hook value': (
        "custom_hooks.append(dict(type='BadImageReportHook', max_share=2))",
        [],
        ['max_share', '2'],
    ),
    'batch size': ("train_dataloader['batch_size'] = 0", [], ['batch_size is 0']),
    'workers': ("train_dataloader['num_workers'] = -1", [], ['num_workers is -1']),
    'persistent workers': (
        "train_dataloader['num_workers'] = 0",
        [],
        ['persistent_workers=False'],
    ),
    'epochs': ("train_cfg['max_epochs'] = 0", [], ['max_epochs is 0']),
    'checkpoint interval': (
        "default_hooks['checkpoint']['interval'] = 0",
        [],
        ['interval is 0'],
    ),
    'seed': ("randomness['seed'] = -3", [], ['seed is -3']),
    'option of nothing': (
        '',
        ['--cfg-options', 'codec.sigmas.0.x=1'],
        ['--cfg-options'],
    ),
    'unknown codec option': (
        '',
        ['--cfg-options', 'codec.sigma=2'],
        ['sigma', 'did you mean sigmas'],
    ),
    'scaling without a base': (
        'auto_scale_lr = None',
        ['--auto-scale-lr'],
        ['--auto-scale-lr', 'base_batch_size'],
    ),
    'amp without a gpu': ('', ['--amp'], ['--amp', 'GPU']),
    'launcher that started nothing': (
        '',
        ['--launcher', 'pytorch'],
        ['RANK is not set', 'torchrun'],
    ),
    'load from nothing': ("load_from = 'no_such.pth'", [], ['no_such.pth']),
    'pretrained weight': (
        "model['backbone']['init_cfg'] = dict(type='Pretrained', "
        "checkpoint='no_such.pth')",
        [],
        ['no_such.pth', 'init_cfg'],
    ),
    'resume from nothing': ('', ['--resume', 'no_such.pth'], ['no_such.pth']),
}


@pytest.mark.skipif(torch.cuda.is_available(), reason='--amp is right with a GPU')
def test_case_of_amp_is_run_without_a_gpu():
    assert 'amp without a gpu' in CONFIGS


@pytest.mark.parametrize('name', CONFIGS)
def test_wrong_config_is_refused(name, write_config, tmp_path, capsys):
    if name == 'amp without a gpu' and torch.cuda.is_available():
        pytest.skip('--amp is right with a GPU')
    from gm_pose.cli import train

    text, arguments, wanted = CONFIGS[name]
    extra = '' if name in WITH_VALIDATION else NO_VALIDATION
    config = write_config(extra + text + '\n')
    sentence = refuse(
        capsys, train.main, [config, '--work-dir', tmp_path / 'w', *arguments], tmp_path
    )
    for word in wanted:
        assert word in sentence, sentence
    assert len(sentence) < 900


@pytest.mark.parametrize('name', ['nowhere.py', '.'])
def test_config_that_is_no_file_is_refused(name, tools, tmp_path, capsys):
    from gm_pose.cli import train

    sentence = refuse(capsys, train.main, [tmp_path / name], tmp_path)
    assert 'does not exist' in sentence


def test_config_with_a_missing_base_is_refused(tools, tmp_path, capsys):
    from gm_pose.cli import train

    config = tmp_path / 'child.py'
    config.write_text("_base_ = ['nowhere.py']\n")
    assert 'nowhere.py' in refuse(capsys, train.main, [config], tmp_path)
