import json
from types import SimpleNamespace

import pytest
from mmengine.config import Config

from gm_pose.runs.user_errors import UserError
from gm_pose.sweep.part_files import PartRequest, find_parts


@pytest.fixture
def data(tmp_path):
    """Twenty people in train/, four in val/, an image each; and their config."""

    def write(name, numbers):
        (tmp_path / name).mkdir()
        people = []
        for n in numbers:
            (tmp_path / name / f'{n}.jpg').touch()
            people.append(dict(id=n, image_id=n, keypoints=[1, 1, 2]))
        content = dict(
            images=[dict(id=n, file_name=f'{n}.jpg') for n in numbers],
            annotations=people,
            categories=[],
        )
        (tmp_path / f'{name}.json').write_text(json.dumps(content))
        return dict(
            data_root=str(tmp_path), ann_file=f'{name}.json', data_prefix=dict(img=name)
        )

    train, val = write('train', range(20)), write('val', range(4))
    cfg = Config(
        dict(train_dataloader=dict(dataset=train), val_dataloader=dict(dataset=val))
    )
    return SimpleNamespace(cfg=cfg, home=tmp_path, folder=tmp_path / 'sweep' / 'parts')


def test_three_parts_of_the_training_annotations_are_written_later(data):
    found = find_parts(data.cfg, PartRequest(), data.folder)
    assert {n: p.people for n, p in found.parts.items()} == dict(
        train=14, choose=3, report=3
    )
    assert not data.folder.exists()
    found.write()
    for name, part in found.parts.items():
        assert part.annotations == str(data.folder / f'{name}.json')
        assert part.images == str(data.home / 'train')
        assert len(
            json.loads((data.folder / f'{name}.json').read_text())['images']
        ) == (part.people)
    again = find_parts(data.cfg, PartRequest(), data.folder)
    assert again == found
    before = (data.folder / 'train.json').stat().st_mtime_ns
    again.write()
    assert (data.folder / 'train.json').stat().st_mtime_ns == before


def test_part_that_is_given_is_left_where_it_is(data):
    val = str(data.home / 'val.json')
    found = find_parts(data.cfg, PartRequest(report=val), data.folder)
    assert found.parts['report'].annotations == val
    assert found.parts['report'].images == str(data.home / 'val')
    assert {n: p.people for n, p in found.parts.items()} == dict(
        train=16, choose=4, report=4
    )
    assert len(found.new_files) == 2


def test_both_given_leaves_the_training_annotations_whole(data):
    val, more = str(data.home / 'val.json'), data.home / 'more.json'
    content = json.loads((data.home / 'val.json').read_text())
    more.write_text(json.dumps(content))
    (data.home / 'more').mkdir()
    request = PartRequest(str(more), val, choose_images=str(data.home / 'more'))
    found = find_parts(data.cfg, request, data.folder)
    assert found.parts['train'].annotations == str(data.home / 'train.json')
    assert found.parts['choose'].images == str(data.home / 'more')
    assert not found.new_files


def test_common_images_are_refused(data):
    train, images = str(data.home / 'train.json'), str(data.home / 'train')
    request = PartRequest(train, str(data.home / 'val.json'), choose_images=images)
    with pytest.raises(
        UserError, match='20 images are in the parts to train and to cho'
    ):
        find_parts(data.cfg, request, data.folder)


def test_images_that_no_folder_of_the_config_has(data):
    path = data.home / 'strange.json'
    content = json.loads((data.home / 'val.json').read_text())
    content['images'][0]['file_name'] = 'strange.jpg'
    path.write_text(json.dumps(content))
    with pytest.raises(
        UserError, match=r'its images are not in .* Fix: --report-images DI'
    ):
        find_parts(data.cfg, PartRequest(report=str(path)), data.folder)


def test_file_without_people(data):
    path = data.home / 'nobody.json'
    path.write_text(
        json.dumps(dict(images=[], annotations=[dict(keypoints=[0, 0, 0])]))
    )
    with pytest.raises(
        UserError, match=r'nobody.json has nobody with a labelled joint'
    ):
        find_parts(data.cfg, PartRequest(choose=str(path)), data.folder)


def test_dataset_of_several_is_refused(data):
    cfg = Config(dict(train_dataloader=dict(dataset=dict(type='CombinedDataset'))))
    with pytest.raises(UserError, match='is CombinedDataset, which has no ann_file'):
        find_parts(cfg, PartRequest(), data.folder)
