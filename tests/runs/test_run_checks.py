"""All that is wrong with a run is reported at once, from one look at the config."""

from collections import Counter

import pytest
from mmengine.config import Config
from mmengine.registry import Registry
from tiny_runs import NO_VALIDATION, ROOT

from gm_pose.runs.checks import outline as outline_module
from gm_pose.runs.checks.outline import read_outline
from gm_pose.runs.checks.run_checks import TRAIN_CHECKS, run_checks
from gm_pose.runs.problem import Problem, ProblemList
from gm_pose.runs.user_errors import UserError

FAULTS = """
codec['sigmas'] = 'set3'
model['neck'] = dict(type='GaussianMixtureBlock', in_channels=8, num_component=3)
train_pipeline[2]['type'] = 'RandomFlipp'
train_dataloader['dataset']['ann_file'] = 'nowhere.json'
optim_wrapper = dict(optimizer=dict(lr=-0.1))
custom_hooks.append(dict(type='BadImageReportHook', max_share=2))
load_from = 'no_such.pth'
"""
PLACES = {
    'codec cannot be built': 'set3',
    'model.neck.num_component': 'did you mean num_components',
    'train_dataloader.dataset.pipeline.2.type': 'RandomFlipp',
    'train_dataloader.dataset.ann_file': 'nowhere.json',
    'optim_wrapper.optimizer.lr': 'expected a positive number',
    'custom_hooks.1': 'max_share',
    'checkpoint no_such.pth': 'does not exist',
}


def test_independent_faults_are_reported_together(write_config, tmp_path, capsys):
    from gm_pose.cli import train

    config = write_config(NO_VALIDATION + FAULTS)
    with pytest.raises(SystemExit) as end:
        train.main([str(config), '--work-dir', str(tmp_path / 'w')])
    assert end.value.code == 2
    assert not (tmp_path / 'w').exists()
    lines = capsys.readouterr().err.strip().splitlines()
    lines = [line for line in lines if line.startswith('gm_pose: error: ')]
    assert len(lines) == len(PLACES), lines
    for number, line in enumerate(lines, 1):
        assert line.startswith(f'gm_pose: error: {number}/{len(PLACES)}: ')
    for place, word in PLACES.items():
        (line,) = [line for line in lines if f': {place}' in line]
        assert word in line


def test_documented_report_is_the_real_one(write_config, tmp_path, capsys):
    from gm_pose.cli import train

    page = (ROOT / 'docs' / 'trusted-runs.md').read_text()
    faults = "codec['sigmas'] = [2.0] * 14\ntrain_dataloader['batch_size'] = 0\n"
    config = write_config(NO_VALIDATION + faults)
    with pytest.raises(SystemExit):
        train.main([str(config), '--work-dir', str(tmp_path / 'w')])
    printed = capsys.readouterr().err.splitlines()
    documented = [line for line in page.splitlines() if line.startswith('gm_pose: ')]
    assert [line for line in printed if line.startswith('gm_pose: ')] == documented


def check_sound_config(write_config) -> None:
    outline = read_outline(Config.fromfile(write_config()), ('train', 'val'))
    assert run_checks(outline, TRAIN_CHECKS).texts == []


def test_config_is_walked_once(write_config, monkeypatch):
    walks = []
    walk = outline_module.iter_dicts

    def count(node, path=''):
        walks.append(path)
        return walk(node, path)

    monkeypatch.setattr(outline_module, 'iter_dicts', count)
    check_sound_config(write_config)
    assert walks.count('') == 1
    assert len(walks) == len(set(walks))  # and no part a second time


def test_component_is_built_once_for_each_place(write_config, monkeypatch):
    built: Counter = Counter()
    build = Registry.build

    def count(self, cfg, *args, **kwargs):
        built[cfg['type']] += 1
        return build(self, cfg, *args, **kwargs)

    monkeypatch.setattr(Registry, 'build', count)
    check_sound_config(write_config)
    for name in (
        'TopdownPoseEstimator',
        'ResNet',
        'NoisyNeck',
        'HeatmapHead',
        'Adam',
        'KeypointMSELoss',
        'PoseDataPreprocessor',
        'RandomHalfBody',
        'GenerateTarget',
        'CheckpointHook',
        'SyncBuffersHook',
    ):
        assert built[name] == 1, name
    # train and val; `codec`, the encoder in GenerateTarget, the decoder in the head
    assert built['CocoDataset'] == built['LoadImage'] == 2
    assert built['JointAdaptiveMSRAHeatmap'] == 3


def test_consequence_of_a_problem_is_left_out():
    problems = ProblemList()
    problems.add([Problem('model.neck.in_channel', 'is 3', 'use in_channels')])
    problems.add([Problem('model.neck', 'cannot be built'), Problem('model', 'is odd')])
    problems.add(
        [Problem('model.neck.in_channel', 'again'), Problem('model.ne', 'is 1')]
    )
    assert problems.texts == [
        'model.neck.in_channel is 3. Fix: use in_channels',
        'model.ne is 1',
    ]


def test_broken_files_are_all_named(write_config, tmp_path):
    cfg = Config.fromfile(write_config())
    for split in ('train', 'val'):
        path = tmp_path / f'{split}.json'
        path.write_text('[')
        cfg[f'{split}_dataloader'].dataset.ann_file = str(path)
    found = run_checks(read_outline(cfg, ('train', 'val')), TRAIN_CHECKS)
    assert len(found.texts) == 2
    for split, text in zip(('train', 'val'), found.texts, strict=True):
        assert text.startswith(f'{tmp_path / split}.json ends in the middle')


def test_single_problem_is_raised_as_it_is():
    problems = ProblemList()
    problems.raise_errors()
    problems.add([Problem('codec', 'is 3')])
    with pytest.raises(UserError) as error:
        problems.raise_errors()
    assert error.value.lines == ['codec is 3']


@pytest.mark.parametrize('value', [3, None, [], 'text', [3], {'a': [None]}])
@pytest.mark.parametrize(
    'key',
    [
        'model',
        'codec',
        'train_dataloader',
        'val_evaluator',
        'param_scheduler',
        'custom_hooks',
        'default_hooks',
        'optim_wrapper',
        'train_cfg',
        'custom_imports',
    ],
)
def test_outline_of_anything_is_read_and_checked(key, value, write_config):
    cfg = Config.fromfile(write_config())
    cfg[key] = value
    found = run_checks(read_outline(cfg, ('train', 'val')), TRAIN_CHECKS)
    assert isinstance(found.texts, list)


class Codec:
    """A codec of somebody else, whose rules are asked for."""

    def find_config_problems(self, outline):
        channels = outline.get('model.head.out_channels')
        return [Problem('codec', f'dislikes {channels} channels')]


def test_codec_says_what_does_not_fit_it(write_config, monkeypatch):
    from mmpose.registry import KEYPOINT_CODECS

    from gm_pose.runs.checks.codec_rules import check_codec_rules

    KEYPOINT_CODECS.register_module(name='DislikingCodec', module=Codec, force=True)
    cfg = Config.fromfile(write_config())
    cfg.codec = dict(type='DislikingCodec')
    (problem,) = check_codec_rules(read_outline(cfg))
    assert str(problem) == 'codec dislikes 17 channels'
    cfg.codec = dict(
        type='MSRAHeatmap', input_size=(48, 64), heatmap_size=(12, 16), sigma=1
    )
    assert check_codec_rules(read_outline(cfg)) == []
