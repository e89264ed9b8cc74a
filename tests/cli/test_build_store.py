"""`gm_pose build-store`: what it says before it decodes anything."""

from pathlib import Path

import pytest

from gm_pose.cli import main
from gm_pose.datasets.synthetic_people import make_coco_folder

ROOT = Path(__file__).parents[2]
CONFIG = str(ROOT / 'configs' / 'set2_res50_coco.py')


@pytest.fixture(scope='module')
def coco(tmp_path_factory):
    folder = tmp_path_factory.mktemp('coco')
    make_coco_folder(folder, train_people=6, val_people=4, seed=0)
    return folder


@pytest.fixture
def build(coco, tmp_path, monkeypatch):
    """build('--kind', 'crops', ...) with the shipped config, into a folder of its own."""
    monkeypatch.setenv('COCO_ROOT', str(coco))
    cache = tmp_path / 'cache'
    return lambda *words: main(
        ['build-store', CONFIG, '--cache-dir', str(cache), *words]
    )


def test_a_missing_detection_file_is_named_with_the_option_that_leaves_it_out(
    build, capsys
):
    with pytest.raises(SystemExit) as end:
        build('--dry-run', '--cfg-options', 'val_dataloader.dataset.bbox_file=no.json')
    assert end.value.code == 2
    *_, line = capsys.readouterr().err.strip().splitlines()
    assert line.startswith('gm_pose: error: val: ')
    assert 'no.json does not exist' in line
    assert '--gt-boxes' in line


def test_size_space_and_time_are_told_and_nothing_is_built(build, capsys, tmp_path):
    assert build('--gt-boxes', '--dry-run', '--kind', 'crops') == 0
    lines = [
        line
        for line in capsys.readouterr().out.splitlines()
        if line.startswith(('train: ', 'val: '))
    ]
    assert [line.split(',')[0] for line in lines] == [
        'train: 6 of 6 people',
        'val: 4 of 4 people',
    ]
    assert all(' GB of ' in line and 'about' in line for line in lines)
    assert not list(tmp_path.rglob('*.bin'))


def test_a_built_store_is_not_built_again(build, capsys, tmp_path):
    build('--gt-boxes', '--splits', 'train')
    (shard,) = tmp_path.rglob('*.bin')
    before = shard.stat().st_mtime_ns
    capsys.readouterr()
    build('--gt-boxes', '--splits', 'train')
    assert 'train: all 3 images are in ' in capsys.readouterr().out
    assert shard.stat().st_mtime_ns == before
