"""Wrong checkpoints and weights: one sentence, nothing executed, nothing written."""

import os
import pickle
import urllib.error
from pathlib import Path

import pytest
import torch
from tiny_runs import NO_VALIDATION, refuse, save_checkpoint


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


def make_diverged(path: Path, config: Path) -> None:
    def spoil(checkpoint):
        checkpoint['state_dict']['head.final_layer.bias'][0] = float('nan')

    save_checkpoint(config, path, spoil)


CHECKPOINTS = {
    make_truncated: ['damaged'],
    make_corrupt: ['damaged'],
    make_empty: ['damaged'],
    make_malicious: ['refused', 'mkdir'],
    make_pickle: ['is no PyTorch checkpoint'],
    make_other_k: ['14 keypoints', '17'],
    make_without_block: ['lacks', 'model.neck'],
    make_no_weights: ['no weights'],
    make_diverged: ['NaN or infinity in 1 weights', 'head.final_layer.bias'],
}
BLOCK = "model['neck'] = dict(type='GaussianMixtureBlock', in_channels=8)\n"


@pytest.mark.parametrize('tool', ['train', 'test'])
@pytest.mark.parametrize('make', CHECKPOINTS, ids=lambda make: make.__name__)
def test_wrong_checkpoint_is_refused(make, tool, write_config, tmp_path, capsys):
    from gm_pose.cli import test as test_tool
    from gm_pose.cli import train

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
    from gm_pose.cli import train

    config = write_config(NO_VALIDATION)
    path = tmp_path / 'best.pth'
    save_checkpoint(config, path, lambda checkpoint: checkpoint.pop('optimizer'))
    arguments = [config, '--work-dir', tmp_path / 'w', '--resume', path]
    assert 'no state of a run' in refuse(capsys, train.main, arguments, tmp_path)


def test_resume_with_a_broken_record_and_no_checkpoint_is_refused(
    write_config, tmp_path, capsys
):
    from gm_pose.cli import train

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
    from gm_pose.cli import test as test_tool

    config = write_config()
    path = tmp_path / 'epoch_1.pth'
    save_checkpoint(config, path)
    arguments = [word.replace('CHECKPOINT', str(path)) for word in arguments]
    arguments = [config, *arguments, '--work-dir', tmp_path / 'w']
    sentence = refuse(capsys, test_tool.main, arguments, tmp_path)
    for word in wanted:
        assert word in sentence


def test_weights_that_cannot_be_downloaded_are_one_sentence(
    write_config, tmp_path, capsys, monkeypatch
):
    from gm_pose.cli import train

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


def test_there_are_forty_cases():
    from test_wrong_config import CONFIGS
    from test_wrong_data import ANNOTATIONS

    assert len(CONFIGS) + len(ANNOTATIONS) + 2 * len(CHECKPOINTS) >= 40
