"""Wrong data files are refused with the file and the fix."""

import json
import shutil
from pathlib import Path

import pytest
from tiny_runs import NO_VALIDATION, refuse

from gm_pose.runs.data_checks import json_file
from gm_pose.runs.user_errors import UserError


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
        file.truncate(9_000_000)  # of 8_000_000, see `lower_limit`


def with_mark(path: Path, data: dict) -> None:
    path.write_text(json.dumps(data), 'utf-8-sig')


def in_utf_16(path: Path, data: dict) -> None:
    path.write_text(json.dumps(data), 'utf-16')


def text_images(path: Path, data: dict) -> None:
    for image in data['images']:
        image['id'] = str(image['id'])
    for entry in data['annotations']:
        entry['image_id'] = str(entry['image_id'])
    path.write_text(json.dumps(data))


def corners(path: Path, data: dict) -> None:
    for entry in data['annotations']:
        x, y, w, h = entry['bbox']
        entry['bbox'] = [x, y, x + w, y + h]
    path.write_text(json.dumps(data))


def unlabelled(path: Path, data: dict) -> None:
    for entry in data['annotations']:
        entry.update(keypoints=[0] * 51, num_keypoints=0)
    path.write_text(json.dumps(data))


def no_counts(path: Path, data: dict) -> None:
    for entry in data['annotations']:
        entry['num_keypoints'] = 0
    path.write_text(json.dumps(data))


def no_areas(path: Path, data: dict) -> None:
    for entry in data['annotations']:
        del entry['area']
    path.write_text(json.dumps(data))


def no_categories(path: Path, data: dict) -> None:
    path.write_text(json.dumps(dict(data, categories=[])))


def text_ids(path: Path, data: dict) -> None:
    for entry in data['annotations']:
        entry['id'] = f'a{entry["id"]}'
    path.write_text(json.dumps(data))


ANNOTATIONS = {
    with_mark: ['byte-order mark', 'plain UTF-8', 'python -c'],
    in_utf_16: ['UTF-16', 'plain UTF-8'],
    text_images: ["id '", 'no integer'],
    corners: ['boxes look like corners', 'right - x'],
    unlabelled: ['nobody to train or evaluate on', 'num_keypoints 0'],
    no_counts: ['nobody to train or evaluate on', 'with num_keypoints 0'],
    cut: ['truncated'],
    not_json: ['no JSON'],
    a_list: ['holds a list'],
    no_annotations: ['`annotations` is empty'],
    no_images: ['no list `images`'],
    captions: ['no annotation with `keypoints` and `bbox`'],
    other_joints: ['14 keypoints', '17', 'metainfo'],
    torn_joints: ['keypoints', 'has 2 numbers'],
    foreign_images: ['987654'],
    no_width: ['images[1]', '`width`'],
    deep: ['no JSON'],
    huge: ['9000000 bytes'],
}


@pytest.fixture
def lower_limit(monkeypatch):
    """Files of 8 MB at most, not of 8 GB: a command hashes the file before it parses it."""
    monkeypatch.setattr(json_file, 'MAX_BYTES', 8_000_000)


def test_annotation_file_of_9_gb_is_not_read(tmp_path):
    path = tmp_path / 'annotations.json'
    with path.open('wb') as file:
        file.truncate(9_000_000_000)  # sparse: takes no disk
    with pytest.raises(
        UserError, match='has 9000000000 bytes; expected at most 8000000'
    ):
        json_file.read_json(str(path))


@pytest.mark.parametrize('damage', ANNOTATIONS, ids=lambda damage: damage.__name__)
def test_wrong_annotation_file_is_refused(
    damage, write_config, coco, tmp_path, capsys, lower_limit
):
    from gm_pose.cli import train

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


EVALUATED = {
    no_areas: ['area', 'use_area=False'],
    no_categories: ['categories', 'AP would be -1'],
    text_ids: ['.id is a', '2^63'],
    unlabelled: ['nobody to train or evaluate on'],
}


@pytest.mark.parametrize('damage', EVALUATED, ids=lambda damage: damage.__name__)
def test_file_that_cannot_be_evaluated_is_refused_before_training(
    damage, write_config, coco, tmp_path, capsys
):
    from gm_pose.cli import train

    source = coco / 'annotations/person_keypoints_val2017.json'
    path = tmp_path / 'annotations.json'
    damage(path, json.loads(source.read_text()))
    config = write_config(
        f"val_dataloader['dataset']['ann_file'] = {str(path)!r}\n"
        f"val_evaluator = dict(type='CocoMetric', ann_file={str(path)!r})\n"
    )
    arguments = [config, '--work-dir', tmp_path / 'w']
    sentence = refuse(capsys, train.main, arguments, tmp_path)
    for word in ['annotations.json', *EVALUATED[damage]]:
        assert word in sentence, sentence


@pytest.mark.parametrize('damage', [no_areas, text_ids])
def test_file_that_is_only_trained_on_need_not_be_evaluated(
    damage, write_config, coco, tmp_path
):
    from mmengine.config import Config

    from gm_pose.runs.checks.annotation_files import check_annotation_files
    from gm_pose.runs.checks.outline import read_outline

    source = coco / 'annotations/person_keypoints_train2017.json'
    path = tmp_path / 'annotations.json'
    damage(path, json.loads(source.read_text()))
    cfg = Config.fromfile(write_config(NO_VALIDATION))
    cfg.train_dataloader.dataset.ann_file = str(path)
    assert check_annotation_files(read_outline(cfg, ('train',))) == []
    both = Config.fromfile(write_config(''))
    both.train_dataloader.dataset.ann_file = str(path)
    both.val_dataloader.dataset.ann_file = str(path)
    both.val_dataloader.dataset.data_prefix.img = 'train2017/'
    problems = check_annotation_files(read_outline(both, ('train', 'val')))
    assert len(problems) == 1
    both.val_evaluator.use_area = False
    problems = check_annotation_files(read_outline(both, ('train', 'val')))
    assert len(problems) == (damage is text_ids)


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
    from gm_pose.cli import train

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


def test_a_config_without_a_root_is_not_told_to_move_it(write_config, tmp_path, capsys):
    from gm_pose.cli import train

    dataset = "dict(data_root='', data_prefix=dict(img='/gone/photos'))"
    config = write_config(
        f'{NO_VALIDATION}\ntrain_dataloader = dict(dataset={dataset})'
    )
    arguments = [config, '--work-dir', tmp_path / 'w']
    with pytest.raises(SystemExit):
        train.main([str(word) for word in arguments])
    lines = capsys.readouterr().err.splitlines()
    (line,) = (text for text in lines if '/gone/photos' in text)
    assert 'COCO_ROOT' not in line
    assert '--cfg-options train_dataloader.dataset.data_prefix.img=PATH' in line


@pytest.mark.parametrize('text', ['{"a": 1}', '[{"image_id": 1}]', '[1, 2'])
def test_wrong_detection_file_is_refused(text, write_config, tmp_path, capsys):
    from gm_pose.cli import train

    path = tmp_path / 'boxes.json'
    path.write_text(text)
    config = write_config(f"val_dataloader['dataset']['bbox_file'] = {str(path)!r}\n")
    arguments = [config, '--work-dir', tmp_path / 'w']
    assert 'boxes.json' in refuse(capsys, train.main, arguments, tmp_path)
