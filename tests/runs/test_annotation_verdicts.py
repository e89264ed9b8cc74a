"""A large file that was found right is not read again, until something changes."""

import json
import os

import pytest
from mmengine.config import Config
from mmengine.registry import init_default_scope

from gm_pose.runs.checks import annotation_files, annotation_verdicts
from gm_pose.runs.checks.annotation_files import check_annotation_files
from gm_pose.runs.checks.outline import read_outline


@pytest.fixture
def cfg(write_config, coco, tmp_path, monkeypatch):
    """A config whose annotation files stand in a folder of this test."""
    init_default_scope('mmpose')
    monkeypatch.setenv('GM_POSE_CACHE', str(tmp_path / 'cache'))
    monkeypatch.setattr(annotation_verdicts, '_MIN_BYTES', 0)
    cfg = Config.fromfile(write_config())
    source = coco / 'annotations' / 'person_keypoints_val2017.json'
    path = tmp_path / 'people.json'
    path.write_bytes(source.read_bytes())
    cfg.val_dataloader.dataset.ann_file = str(path)
    return cfg


@pytest.fixture
def read(monkeypatch):
    """Names of the files that were read."""
    names = []
    read_json = annotation_files.read_json

    def note(path, *args):
        names.append(os.path.basename(path))
        return read_json(path, *args)

    monkeypatch.setattr(annotation_files, 'read_json', note)
    return names


def check(cfg):
    return [str(p) for p in check_annotation_files(read_outline(cfg, ('val',)))]


def edit(cfg, change):
    path = cfg.val_dataloader.dataset.ann_file
    with open(path) as file:
        data = json.load(file)
    change(data)
    stat = os.stat(path)
    with open(path, 'w') as file:
        json.dump(data, file)
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))


def test_an_unchanged_file_is_checked_once(cfg, read):
    assert check(cfg) == []
    assert check(cfg) == []
    assert read == ['people.json']


def test_an_edited_file_is_checked_again(cfg, read):
    assert check(cfg) == []
    edit(cfg, lambda data: data['annotations'][0].update(keypoints=[1, 2, 3]))

    assert 'keypoints' in check(cfg)[0]
    assert read == ['people.json'] * 2


def test_a_faulty_file_is_checked_every_time(cfg, read):
    edit(cfg, lambda data: data['annotations'][0].update(bbox=[1]))

    assert check(cfg) == check(cfg) != []
    assert read == ['people.json'] * 2


def test_another_use_is_checked_again(cfg, read):
    assert check(cfg) == []
    cfg.val_evaluator.format_only = True
    check(cfg)

    assert read == ['people.json'] * 2


def test_other_rules_check_again(cfg, read, monkeypatch):
    assert check(cfg) == []
    monkeypatch.setattr(annotation_verdicts, '_hash_rules', lambda: 'others')

    assert check(cfg) == []
    assert read == ['people.json'] * 2


def test_images_are_looked_for_every_time(cfg, read, tmp_path):
    assert check(cfg) == []
    (tmp_path / 'empty').mkdir()
    cfg.val_dataloader.dataset.data_prefix.img = str(tmp_path / 'empty')
    before = check(cfg)

    assert 'none of' in before[0]
    assert read == ['people.json']


def test_a_cache_that_cannot_be_written_is_done_without(cfg, read, monkeypatch):
    monkeypatch.setenv('GM_POSE_CACHE', '/proc/no/such')

    assert check(cfg) == check(cfg) == []
    assert read == ['people.json'] * 2


def test_without_a_cache_folder_the_file_is_checked(cfg, read, monkeypatch):
    monkeypatch.delenv('GM_POSE_CACHE')
    monkeypatch.setattr('os.path.expanduser', lambda path: path)  # no HOME, no name
    assert check(cfg) == []
    assert check(cfg) == []
    assert len(read) == 2
