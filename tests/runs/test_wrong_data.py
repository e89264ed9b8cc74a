"""Wrong data files: one sentence that names the file and the remedy."""

import json
import shutil
from pathlib import Path

import pytest
from tiny_runs import NO_VALIDATION, refuse


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
    captions: ['no annotation with `keypoints` and `bbox`'],
    other_joints: ['14 keypoints', '17', 'metainfo'],
    torn_joints: ['keypoints', 'has 2 numbers'],
    foreign_images: ['987654'],
    no_width: ['images[1]', '`width`'],
    deep: ['no JSON'],
    huge: ['9000000000 bytes'],
}


@pytest.mark.parametrize('damage', ANNOTATIONS, ids=lambda damage: damage.__name__)
def test_wrong_annotation_file_is_refused(damage, write_config, coco, tmp_path, capsys):
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


@pytest.mark.parametrize('text', ['{"a": 1}', '[{"image_id": 1}]', '[1, 2'])
def test_wrong_detection_file_is_refused(text, write_config, tmp_path, capsys):
    from gm_pose.cli import train

    path = tmp_path / 'boxes.json'
    path.write_text(text)
    config = write_config(f"val_dataloader['dataset']['bbox_file'] = {str(path)!r}\n")
    arguments = [config, '--work-dir', tmp_path / 'w']
    assert 'boxes.json' in refuse(capsys, train.main, arguments, tmp_path)
