"""`gm_pose build-store`: what it says before it decodes anything."""

from pathlib import Path

import pytest

from gm_pose.cli import main
from gm_pose.cli.build_store import show_progress
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


@pytest.mark.parametrize(
    ('setting', 'fix'),
    [
        ('val_dataloader.dataset.bbox_file', '--gt-boxes'),
        ('train_dataloader.dataset.ann_file', 'COCO_ROOT'),
        ('val_dataloader.dataset.ann_file', 'COCO_ROOT'),
        ('train_dataloader.dataset.data_prefix.img', 'COCO_ROOT'),
    ],
)
def test_a_missing_file_is_named_with_its_setting_and_the_fix(
    build, capsys, setting, fix
):
    boxes = [] if setting.endswith('bbox_file') else ['--gt-boxes']
    with pytest.raises(SystemExit) as end:
        build('--dry-run', *boxes, '--cfg-options', f'{setting}=no.json')
    assert end.value.code == 2
    *_, line = capsys.readouterr().err.strip().splitlines()
    assert line.startswith(f'gm_pose: error: {setting} is ')
    assert 'no.json, which does not exist' in line
    assert fix in line


@pytest.mark.parametrize(
    ('content', 'said'),
    [('{', 'ends in the middle'), ('{"images": []}', 'annotations')],
)
def test_a_wrong_annotation_file_is_refused_before_anything_is_built(
    build, capsys, tmp_path, content, said
):
    path = tmp_path / 'wrong.json'
    path.write_text(content)
    option = f'train_dataloader.dataset.ann_file={path}'
    with pytest.raises(SystemExit) as end:
        build('--splits', 'train', '--cfg-options', option)
    assert end.value.code == 2
    error = capsys.readouterr().err
    assert str(path) in error
    assert said in error
    assert not list(tmp_path.rglob('*.bin'))


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


def test_the_setting_names_the_folder_as_a_run_reads_it(coco, tmp_path, monkeypatch):
    monkeypatch.setenv('COCO_ROOT', str(coco))
    monkeypatch.setenv('GM_POSE_CACHE', str(tmp_path / 'default'))
    option = f'fast_lane.cache_dir={tmp_path / "own"}'
    words = ['build-store', CONFIG, '--splits', 'train', '--cfg-options', option]
    assert main(words) == 0
    (shard,) = tmp_path.rglob('*.bin')
    assert shard.is_relative_to(tmp_path / 'own')


def test_a_wrong_setting_is_one_line(build, capsys):
    with pytest.raises(SystemExit) as end:
        build('--cfg-options', 'fast_lane=True')
    assert end.value.code == 2
    *_, line = capsys.readouterr().err.strip().splitlines()
    assert line.startswith('gm_pose: error: fast_lane is True; expected a dict')


def test_a_store_that_is_done_takes_no_more_time(capsys):
    show_progress(2, 4, 1.0)
    show_progress(4, 4, 0.0)
    assert capsys.readouterr().err.splitlines() == [
        '2/4 stored, 1 s left',
        '4/4 stored',
    ]
