"""Wrong input: one sentence that names value, place and remedy; nothing is written."""

import json
import os
import pickle
import shutil
import signal
import urllib.error
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmpose.registry import MODELS
from tiny_runs import NO_VALIDATION

WRAPPED = 'inner = dict(_base_.train_dataloader.dataset, pipeline=train_pipeline)\n'
# id: (text at the end of the config, arguments, what the sentence has to contain)
CONFIGS = {
    'syntax error': ('model = dict(', [], ['tiny.py', 'cannot be read']),
    'missing import': ("custom_imports = dict(imports=['no_such_package'])", [],
                       ['no_such_package']),
    'our part without our import': ("custom_imports = dict(imports=['tiny_parts'])", [],
                                    ['does not import gm_pose', 'custom_imports']),
    'no model': ('model = None', [], ['no `model`']),
    'no training section': ('train_cfg = None', [], ['no train_cfg']),
    'codec type': ("codec['type'] = 'JointAdaptiveMSRAHeatmp'", [],
                   ['JointAdaptiveMSRAHeatmp', 'did you mean JointAdaptiveMSRAHeatmap']),
    'codec argument': ("codec['sigmass'] = 2.0", [],
                       ['sigmass', 'did you mean sigmas']),
    'codec negative sigma': ("codec['sigmas'] = -1.0", [], ['codec', '-1']),
    'codec table': ("codec['sigmas'] = 'set3'", [], ['set3', 'set2']),
    'codec wrong K': ("codec['sigmas'] = [2.0] * 14", [], ['14', '17']),
    'codec alignment': ("codec['alignment'] = 'centred'", [], ['centred', 'centered']),
    'heatmap size': ("codec['heatmap_size'] = (24, 32)", [],
                     ['heatmap_size is (24, 32)', '(12, 16)']),
    'two codecs': ("train_pipeline[6]['encoder'] = dict(codec, sigmas=3.0)", [],
                   ['sigmas', '3.0', 'disagree']),
    'neck type': ("model['neck']['type'] = 'GaussianMixturBlock'", [],
                  ['model.neck.type', 'did you mean GaussianMixtureBlock']),
    'neck argument': ("model['neck'] = dict(type='GaussianMixtureBlock', in_channels=8, "
                      'num_component=3)', [], ['num_component', 'model.neck']),
    'neck channels': ("model['neck'] = dict(type='GaussianMixtureBlock', "
                      'in_channels=2048)', [], ['2048', 'in_channels']),
    'head type': ("model['head']['type'] = 'HeatmapHed'", [], ['HeatmapHed']),
    'head argument': ("model['head']['out_channel'] = 17", [],
                      ['out_channel', 'did you mean out_channels']),
    'head wrong K': ("model['head']['out_channels'] = 14", [], ['14', '17 keypoints']),
    'head channels': ("model['head']['in_channels'] = 2048", [], ['in_channels']),
    'backbone type': ("model['backbone']['type'] = 'ResNett'", [], ['ResNett']),
    'backbone depth': ("model['backbone']['depth'] = 19", [], ['19', 'model']),
    'loss type': ("model['head']['loss'] = dict(type='KeypointMSELos')", [],
                  ['KeypointMSELos']),
    'weights that the loss ignores': (
        "codec['balance_weights'] = True\n"
        "model['head']['loss'] = dict(_delete_=True, type='KeypointMSELoss')", [],
        ['balance_weights', 'model.head.loss.use_target_weight=True']),
    'transform type': ("train_pipeline[2]['type'] = 'RandomFlipp'", [],
                       ['RandomFlipp', 'pipeline.2', 'did you mean RandomFlip']),
    'transform argument': ("train_pipeline[2]['probability'] = 0.5", [],
                           ['probability', 'pipeline.2']),
    'dataset type': ("train_dataloader['dataset']['type'] = 'CocoDatset'", [],
                     ['CocoDatset', 'did you mean CocoDataset']),
    'dataset argument': ("train_dataloader['dataset']['annfile'] = 'x'", [],
                         ['annfile', 'did you mean ann_file']),
    'dataset metainfo': ("train_dataloader['dataset']['metainfo'] = "
                         "dict(from_file='no_such_dataset.py')", [],
                         ['no_such_dataset.py']),
    'no dataset': ("train_dataloader['dataset'] = None", [],
                   ['train_dataloader.dataset is None']),
    'wrapped dataset without type': (
        WRAPPED + "inner.pop('type')\n"
        "train_dataloader['dataset'] = dict(_delete_=True, type='ConcatDataset', "
        'datasets=[inner])', [],
        ['train_dataloader.dataset.datasets.0 has no `type`']),
    'wrapped dataset of nothing': (
        "train_dataloader['dataset'] = dict(_delete_=True, type='RepeatDataset', "
        'times=2, dataset=dict())', [],
        ['train_dataloader.dataset.dataset has no `type`']),
    'dataset twice wrapped, its type': (
        WRAPPED + "inner['type'] = 'CocoDatset'\n"
        "repeated = dict(type='RepeatDataset', times=2, dataset=inner)\n"
        "train_dataloader['dataset'] = dict(_delete_=True, type='CombinedDataset', "
        "metainfo=dict(from_file='configs/_base_/datasets/coco.py'), "
        'datasets=[inner, repeated])', [],
        ['dataset.datasets.0.type', 'did you mean CocoDataset']),
    'wrapper argument': (
        WRAPPED + "train_dataloader['dataset'] = dict(_delete_=True, "
        "type='RepeatDataset', time=2, dataset=inner)", [],
        ['train_dataloader.dataset.time=2', 'did you mean times']),
    'wrapped wrong K': (
        WRAPPED + "model['head']['out_channels'] = 14\n"
        "train_dataloader['dataset'] = dict(_delete_=True, type='ConcatDataset', "
        'datasets=[inner])\n', [], ['14', 'datasets.0 has 17 keypoints']),
    'sampler type': ("train_dataloader['sampler'] = dict(type='DefaultSamplr')", [],
                     ['DefaultSamplr', 'did you mean DefaultSampler']),
    'scheduler type': ("param_scheduler = [dict(type='MultStepLR')]", [],
                       ['param_scheduler.0', 'did you mean MultiStepLR']),
    'scheduler argument': (
        "param_scheduler = [dict(type='MultiStepLR', milestone=[1])]", [],
        ['param_scheduler.0', 'did you mean milestones']),
    'metric argument': ("val_evaluator = dict(use_aera=True)", [],
                        ['use_aera', 'did you mean use_area']),
    'optimizer type': ("optim_wrapper = dict(optimizer=dict(type='Adamm'))", [],
                       ['Adamm', 'did you mean Adam']),
    'optimizer argument': ("optim_wrapper = dict(optimizer=dict(momentu=0.9))", [],
                           ['momentu']),
    'learning rate': ("optim_wrapper = dict(optimizer=dict(lr=-0.1))", [],
                      ['lr=-0.1', 'positive']),
    'hook type': ("custom_hooks.append(dict(type='SyncBufferHook'))", [],
                  ['SyncBufferHook', 'did you mean SyncBuffersHook']),
    'hook argument': ("custom_hooks.append(dict(type='BadImageReportHook', share=1))",
                      [], ['share', 'max_share']),
    'hook value': ("custom_hooks.append(dict(type='BadImageReportHook', max_share=2))",
                   [], ['max_share', '2']),
    'batch size': ("train_dataloader['batch_size'] = 0", [], ['batch_size=0']),
    'workers': ("train_dataloader['num_workers'] = -1", [], ['num_workers=-1']),
    'persistent workers': ("train_dataloader['num_workers'] = 0", [],
                           ['persistent_workers=False']),
    'epochs': ("train_cfg['max_epochs'] = 0", [], ['max_epochs=0']),
    'checkpoint interval': ("default_hooks['checkpoint']['interval'] = 0", [],
                            ['interval=0']),
    'seed': ("randomness['seed'] = -3", [], ['seed=-3']),
    'option of nothing': ('', ['--cfg-options', 'codec.sigmas.0.x=1'],
                          ['--cfg-options']),
    'unknown codec option': ('', ['--cfg-options', 'codec.sigma=2'],
                             ['sigma', 'did you mean sigmas']),
    'scaling without a base': ('auto_scale_lr = None', ['--auto-scale-lr'],
                               ['--auto-scale-lr', 'base_batch_size']),
    'amp without a gpu': ('', ['--amp'], ['--amp', 'GPU']),
    'launcher that started nothing': ('', ['--launcher', 'pytorch'],
                                      ['RANK is not set', 'torchrun']),
    'load from nothing': ("load_from = 'no_such.pth'", [], ['no_such.pth']),
    'pretrained weight': ("model['backbone']['init_cfg'] = dict(type='Pretrained', "
                          "checkpoint='no_such.pth')", [], ['no_such.pth', 'init_cfg']),
    'resume from nothing': ('', ['--resume', 'no_such.pth'], ['no_such.pth']),
}  # fmt: skip


def refuse(capsys, main, arguments, tmp_path) -> str:
    """Run a tool that has to refuse -> its sentence; nothing may have been written."""
    before = sorted(str(path) for path in tmp_path.rglob('*'))
    with pytest.raises(SystemExit) as end:
        main([str(argument) for argument in arguments])
    assert end.value.code == 2
    lines = capsys.readouterr().err.strip().splitlines()
    sentence = lines[-1]
    assert sentence.startswith('gm_pose: error: ')
    assert 'Traceback' not in '\n'.join(lines)
    assert sorted(str(path) for path in tmp_path.rglob('*')) == before
    return sentence


@pytest.mark.skipif(torch.cuda.is_available(), reason='--amp is right with a GPU')
def test_case_of_amp_is_run_without_a_gpu():
    assert 'amp without a gpu' in CONFIGS


@pytest.mark.parametrize('name', CONFIGS)
def test_wrong_config_is_refused(name, write_config, tmp_path, capsys):
    if name == 'amp without a gpu' and torch.cuda.is_available():
        pytest.skip('--amp is right with a GPU')
    import train

    text, arguments, wanted = CONFIGS[name]
    extra = '' if name == 'metric argument' else NO_VALIDATION
    config = write_config(extra + text + '\n')
    sentence = refuse(
        capsys, train.main, [config, '--work-dir', tmp_path / 'w', *arguments], tmp_path
    )
    for word in wanted:
        assert word in sentence, sentence
    assert len(sentence) < 900


@pytest.mark.parametrize('name', ['nowhere.py', '.'])
def test_config_that_is_no_file_is_refused(name, tools, tmp_path, capsys):
    import train

    sentence = refuse(capsys, train.main, [tmp_path / name], tmp_path)
    assert 'does not exist' in sentence


def test_config_with_a_missing_base_is_refused(tools, tmp_path, capsys):
    import train

    config = tmp_path / 'child.py'
    config.write_text("_base_ = ['nowhere.py']\n")
    assert 'nowhere.py' in refuse(capsys, train.main, [config], tmp_path)


def cut(path: Path, data: dict) -> None:
    path.write_text(json.dumps(data)[:-2000])


def not_json(path: Path, data: dict) -> None:
    path.write_bytes(b'\x89PNG\r\n\x1a\n' + bytes(range(256)))


def a_list(path: Path, data: dict) -> None:
    path.write_text(json.dumps(data['annotations']))


def no_annotations(path: Path, data: dict) -> None:
    path.write_text(json.dumps(dict(data, annotations=[])))


def no_images(path: Path, data: dict) -> None:
    del data['images']
    path.write_text(json.dumps(data))


def captions(path: Path, data: dict) -> None:
    for entry in data['annotations']:
        del entry['keypoints']
    path.write_text(json.dumps(data))


def other_joints(path: Path, data: dict) -> None:
    for entry in data['annotations']:
        entry['keypoints'] = entry['keypoints'][: 3 * 14]
    path.write_text(json.dumps(data))


def torn_joints(path: Path, data: dict) -> None:
    data['annotations'][0]['keypoints'] = [1, 2]
    path.write_text(json.dumps(data))


def foreign_images(path: Path, data: dict) -> None:
    data['annotations'][3]['image_id'] = 987654
    path.write_text(json.dumps(data))


def no_width(path: Path, data: dict) -> None:
    del data['images'][1]['width']
    path.write_text(json.dumps(data))


def deep(path: Path, data: dict) -> None:
    path.write_text('[' * 200_000)


def huge(path: Path, data: dict) -> None:
    with path.open('wb') as file:
        file.truncate(9_000_000_000)  # sparse: takes no disk


ANNOTATIONS = {
    cut: ['truncated'],
    not_json: ['no JSON'],
    a_list: ['holds a list'],
    no_annotations: ['`annotations` is empty'],
    no_images: ['no list `images`'],
    captions: ['no annotation has both `keypoints` and `bbox`'],
    other_joints: ['14 keypoints', '17', 'metainfo'],
    torn_joints: ['2 numbers in `keypoints`'],
    foreign_images: ['987654'],
    no_width: ['images[1]', '`width`'],
    deep: ['no JSON'],
    huge: ['9000000000 bytes'],
}


@pytest.mark.parametrize('damage', ANNOTATIONS, ids=lambda damage: damage.__name__)
def test_wrong_annotation_file_is_refused(damage, write_config, coco, tmp_path, capsys):
    import train

    data = json.loads(
        (coco / 'annotations/person_keypoints_train2017.json').read_text()
    )
    path = tmp_path / 'annotations.json'
    damage(path, data)
    config = write_config(
        f"{NO_VALIDATION}train_dataloader['dataset']['ann_file'] = {str(path)!r}\n"
    )
    arguments = [config, '--work-dir', tmp_path / 'w']
    sentence = refuse(capsys, train.main, arguments, tmp_path)
    assert 'annotations.json' in sentence
    for word in ANNOTATIONS[damage]:
        assert word in sentence, sentence


@pytest.mark.parametrize(
    ('missing', 'wanted'),
    [
        ('annotations/person_keypoints_train2017.json', 'ann_file'),
        ('train2017', 'data_prefix.img'),
    ],
)
def test_missing_data_is_refused(
    missing, wanted, write_config, coco, tmp_path, monkeypatch, capsys
):
    import train

    root = tmp_path / 'half'
    shutil.copytree(coco, root)
    path = root / missing
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    monkeypatch.setenv('COCO_ROOT', str(root))
    config = write_config(NO_VALIDATION)
    arguments = [config, '--work-dir', tmp_path / 'w']
    sentence = refuse(capsys, train.main, arguments, tmp_path)
    assert wanted in sentence
    assert missing in sentence
    assert 'COCO_ROOT' in sentence


def save_checkpoint(config: Path, path: Path, change=None) -> None:
    """A checkpoint as training would write it, from the config's own model."""
    init_default_scope('mmpose')
    cfg = Config.fromfile(config)
    model = MODELS.build(cfg.model)
    checkpoint = dict(
        meta=dict(epoch=1, iter=6, seed=3),
        state_dict=model.state_dict(),
        optimizer={},
        message_hub={},
    )
    if change is not None:
        change(checkpoint)
    torch.save(checkpoint, path)


class Exploit:
    """Makes a directory when unpickled."""

    def __init__(self, path: Path):
        self.path = str(path)

    def __reduce__(self):
        return os.mkdir, (self.path,)


def make_truncated(path: Path, config: Path) -> None:
    save_checkpoint(config, path)
    path.write_bytes(path.read_bytes()[:-4000])


def make_corrupt(path: Path, config: Path) -> None:
    path.write_bytes(bytes(range(256)) * 64)


def make_empty(path: Path, config: Path) -> None:
    path.touch()


def make_malicious(path: Path, config: Path) -> None:
    def add(checkpoint):
        checkpoint['meta']['extra'] = Exploit(path.parent / 'exploited')

    save_checkpoint(config, path, add)


def make_pickle(path: Path, config: Path) -> None:
    path.write_bytes(pickle.dumps(Exploit(path.parent / 'exploited')))


def make_other_k(path: Path, config: Path) -> None:
    def shrink(checkpoint):
        weights = checkpoint['state_dict']
        for name in ('head.final_layer.weight', 'head.final_layer.bias'):
            weights[name] = weights[name][:14].clone()

    save_checkpoint(config, path, shrink)


def make_without_block(path: Path, config: Path) -> None:
    def drop(checkpoint):
        weights = checkpoint['state_dict']
        for name in [name for name in weights if name.startswith('neck.')]:
            del weights[name]

    save_checkpoint(config, path, drop)


def make_no_weights(path: Path, config: Path) -> None:
    torch.save(dict(meta=dict(epoch=1, iter=6), optimizer={}), path)


CHECKPOINTS = {
    make_truncated: ['damaged'],
    make_corrupt: ['damaged'],
    make_empty: ['damaged'],
    make_malicious: ['refused', 'mkdir'],
    make_pickle: ['is no PyTorch checkpoint'],
    make_other_k: ['14 keypoints', '17'],
    make_without_block: ['lacks', 'model.neck'],
    make_no_weights: ['no weights'],
}
BLOCK = "model['neck'] = dict(type='GaussianMixtureBlock', in_channels=8)\n"


@pytest.mark.parametrize('tool', ['train', 'test'])
@pytest.mark.parametrize('make', CHECKPOINTS, ids=lambda make: make.__name__)
def test_wrong_checkpoint_is_refused(make, tool, write_config, tmp_path, capsys):
    import test as test_tool  # tools/test.py, before Python's own on the path
    import train

    config = write_config((NO_VALIDATION if tool == 'train' else '') + BLOCK)
    path = tmp_path / 'epoch_1.pth'
    make(path, config)
    arguments = [config, '--work-dir', tmp_path / 'w']
    if tool == 'train':
        main, arguments = train.main, [*arguments, '--resume', path]
    else:
        main, arguments = test_tool.main, [*arguments[:1], path, *arguments[1:]]
    sentence = refuse(capsys, main, arguments, tmp_path)
    assert 'epoch_1.pth' in sentence
    for word in CHECKPOINTS[make]:
        assert word in sentence, sentence


def test_resume_from_weights_alone_is_refused(write_config, tmp_path, capsys):
    import train

    config = write_config(NO_VALIDATION)
    path = tmp_path / 'best.pth'
    save_checkpoint(config, path, lambda checkpoint: checkpoint.pop('optimizer'))
    arguments = [config, '--work-dir', tmp_path / 'w', '--resume', path]
    assert 'no state of a run' in refuse(capsys, train.main, arguments, tmp_path)


def test_resume_with_a_broken_record_and_no_checkpoint_is_refused(
    write_config, tmp_path, capsys
):
    import train

    config = write_config(NO_VALIDATION)
    (tmp_path / 'w').mkdir()
    (tmp_path / 'w' / 'last_checkpoint').write_text('/gone/epoch_7.pth')
    arguments = [config, '--work-dir', tmp_path / 'w', '--resume']
    sentence = refuse(capsys, train.main, arguments, tmp_path)
    assert '/gone/epoch_7.pth' in sentence
    assert 'without --resume' in sentence


@pytest.mark.parametrize(
    ('arguments', 'wanted'),
    [
        (['no_such.pth'], ['no_such.pth', 'does not exist']),
        (['CHECKPOINT', '--out', 'metrics.txt'], ['metrics.txt', '.json']),
        (['CHECKPOINT', '--out', 'CHECKPOINT/a/metrics.json'], ['--out', 'in the way']),
        (['CHECKPOINT', '--dump', 'predictions.json'], ['predictions.json', '.pkl']),
    ],
)
def test_wrong_arguments_of_test_are_refused(
    arguments, wanted, write_config, tmp_path, capsys
):
    import test as test_tool

    config = write_config()
    path = tmp_path / 'epoch_1.pth'
    save_checkpoint(config, path)
    arguments = [word.replace('CHECKPOINT', str(path)) for word in arguments]
    arguments = [config, *arguments, '--work-dir', tmp_path / 'w']
    sentence = refuse(capsys, test_tool.main, arguments, tmp_path)
    for word in wanted:
        assert word in sentence


def test_work_dir_that_another_run_holds_is_refused(
    write_config, tmp_path, capsys, tools
):
    import time

    import train

    from gm_pose.engine.work_dir_lock import WorkDirLock

    pid = os.fork()
    if pid == 0:
        with WorkDirLock(str(tmp_path / 'w')):
            (tmp_path / 'w' / 'ready').touch()
            time.sleep(60)
        os._exit(0)
    try:
        while not (tmp_path / 'w' / 'ready').exists():
            time.sleep(0.02)
        config = write_config(NO_VALIDATION)
        sentence = refuse(
            capsys, train.main, [config, '--work-dir', tmp_path / 'w'], tmp_path
        )
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    assert f'in use by process {pid}' in sentence
    assert '--work-dir' in sentence


@pytest.mark.parametrize('tool', ['train', 'test'])
def test_work_dir_that_cannot_be_made_is_refused(
    tool, write_config, tmp_path, capsys, tools
):
    """A file in its place; read-only and full ones are in test_work_dir_lock.py."""
    import importlib

    config = write_config(NO_VALIDATION if tool == 'train' else '')
    checkpoint = tmp_path / 'epoch_1.pth'
    save_checkpoint(config, checkpoint)
    (tmp_path / 'file').touch()
    words = [config, *([checkpoint] if tool == 'test' else [])]
    words += ['--work-dir', tmp_path / 'file' / 'w']
    main = importlib.import_module(tool).main
    sentence = refuse(capsys, main, words, tmp_path)
    assert '--work-dir' in sentence
    assert str(tmp_path / 'file') in sentence


@pytest.mark.parametrize('text', ['{"a": 1}', '[{"image_id": 1}]', '[1, 2'])
def test_wrong_detection_file_is_refused(text, write_config, tmp_path, capsys):
    import train

    path = tmp_path / 'boxes.json'
    path.write_text(text)
    config = write_config(f"val_dataloader['dataset']['bbox_file'] = {str(path)!r}\n")
    arguments = [config, '--work-dir', tmp_path / 'w']
    assert 'boxes.json' in refuse(capsys, train.main, arguments, tmp_path)


def test_there_are_forty_cases():
    count = len(CONFIGS) + len(ANNOTATIONS) + 2 * len(CHECKPOINTS)
    assert count >= 40


def test_weights_that_cannot_be_downloaded_are_one_sentence(
    write_config, tmp_path, capsys, monkeypatch
):
    import train

    def fail(*args, **kwargs):
        raise urllib.error.URLError('Name or service not known')

    monkeypatch.setattr(torch.hub, 'get_dir', lambda: str(tmp_path / 'hub'))
    monkeypatch.setattr(torch.hub, 'download_url_to_file', fail)
    weights = "dict(type='Pretrained', checkpoint='torchvision://resnet18')"
    config = write_config(
        f"model['backbone']['init_cfg'] = {weights}\n" + NO_VALIDATION
    )
    with pytest.raises(SystemExit) as end:
        train.main([str(config), '--work-dir', str(tmp_path / 'w')])
    assert end.value.code == 2
    output = ''.join(capsys.readouterr())
    assert 'Traceback' not in output
    sentence = output.strip().splitlines()[-1]
    assert sentence.startswith('gm_pose: error: pretrained weights')
    for word in ('resnet18', 'Name or service not known', 'init_cfg=None'):
        assert word in sentence
