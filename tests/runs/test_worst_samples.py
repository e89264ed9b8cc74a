"""`--badcase N`: pictures of the N worst samples."""

import json

import pytest
from tiny_jobs import run_ranks
from tiny_runs import refuse, run_child, save_checkpoint

from gm_pose.cli import test as testing


@pytest.fixture
def checkpoint(write_config, tmp_path):
    config = write_config()
    save_checkpoint(config, tmp_path / 'tiny.pth')
    return config, tmp_path / 'tiny.pth'


def keep_worst(checkpoint, tmp_path, *option):
    """Test with an option -> the folder of pictures."""
    arguments = [*map(str, checkpoint), '--work-dir', str(tmp_path / 'w'), *option]
    ended = run_child(lambda: testing.main(arguments), tmp_path / 'log')
    assert ended.code == 0, ended.tail
    (folder,) = (tmp_path / 'w').glob('*/badcase')
    return folder


def test_worst_samples_are_kept_and_no_others(checkpoint, tmp_path):
    folder = keep_worst(checkpoint, tmp_path, '--badcase', '4')
    results = json.loads((folder / 'results.json').read_text())
    assert [result['rank'] for result in results] == [1, 2, 3, 4]
    losses = [result['KeypointMSELoss'] for result in results]
    assert losses == sorted(losses, reverse=True)
    pictures = sorted(path.name for path in folder.glob('*.jpg'))
    assert pictures == [result['file'] for result in results]
    for result in results:
        loss = f'{result["KeypointMSELoss"]:.2f}'
        name = f'{result["rank"]:02d}_{result["img"]}_KeypointMSELoss_{loss}.jpg'
        assert result['file'] == name
        assert len(result['bbox'][0]) == 4


def test_number_larger_than_the_dataset_keeps_all(checkpoint, tmp_path):
    folder = keep_worst(checkpoint, tmp_path, '--badcase')
    assert len(list(folder.glob('*.jpg'))) == 11  # people of the validation part


@pytest.mark.slow
def test_worst_of_two_processes_are_those_of_one(checkpoint, tmp_path):
    """Over gloo: each process sees half of the samples, odd: 6 and 5."""
    config, weights = checkpoint
    found = {}
    for size in (1, 2):
        folder = tmp_path / str(size)
        arguments = [str(config), str(weights), '--work-dir', str(folder)]
        arguments += ['--launcher', 'pytorch', '--badcase', '4']
        for rank in run_ranks(lambda a=arguments: testing.main(a), tmp_path, size):
            assert rank.code == 0, rank.tail
        (pictures,) = folder.glob('*/badcase')
        results = json.loads((pictures / 'results.json').read_text())
        names = sorted(path.name for path in pictures.glob('*.jpg'))
        assert names == sorted(result['file'] for result in results)
        found[size] = results
    assert [r['rank'] for r in found[2]] == [1, 2, 3, 4]
    for one, two in zip(found[1], found[2], strict=True):
        assert (one['img'], one['bbox']) == (two['img'], two['bbox'])
        assert one['KeypointMSELoss'] == pytest.approx(two['KeypointMSELoss'], rel=1e-5)


def test_gt_boxes_drop_a_detection_file_that_an_option_names(checkpoint, tmp_path):
    config, weights = checkpoint
    arguments = [str(config), str(weights), '--work-dir', str(tmp_path / 'w')]
    arguments += ['--gt-boxes', '--cfg-options']
    arguments += ['test_dataloader.dataset.bbox_file=nowhere.json']
    ended = run_child(lambda: testing.main(arguments), tmp_path / 'log')
    assert ended.code == 0, ended.tail


@pytest.mark.parametrize(
    ('arguments', 'options', 'wanted'),
    [
        (['--badcase', 0], [], '--badcase is 0; expected at least 1'),
        (
            ['--badcase'],
            ['test_dataloader.dataset.bbox_file=b.json'],
            'Fix: --gt-boxes',
        ),
    ],
)
def test_badcase_that_cannot_be_is_refused(
    arguments, options, wanted, checkpoint, tmp_path, capsys
):
    config, weights = checkpoint
    options = ['--cfg-options', *options] if options else []
    line = refuse(
        capsys, testing.main, [config, weights, *arguments, *options], tmp_path
    )
    assert wanted in line
