"""Annotation files that are cut, of another encoding, or not as their tool writes them."""

import json

import pytest
from annotated_files import change, write_coco, write_images
from test_readers import CVAT, JOINTS, make_task, write_deeplabcut

from gm_pose.new_dataset.readers import read_annotations
from gm_pose.runs.user_errors import UserError


@pytest.fixture
def photos(tmp_path):
    write_images(tmp_path / 'photos', 1)
    return tmp_path / 'photos'


def write_label_studio(folder, function):
    path = folder / 'export.json'
    path.write_text(json.dumps([make_task(True, True)]))
    return change(path, lambda tasks: function(tasks[0]))


@pytest.mark.parametrize(
    ('function', 'message'),
    [
        (lambda task: task.update(annotations=['x']), 'task 1'),
        (lambda task: task.update(data=['photo_0.png']), 'task 1'),
        (lambda task: task['annotations'][0]['result'][1].pop('value'), "no 'value'"),
        (lambda task: task['annotations'][0]['result'].append(None), 'task 1'),
        (
            lambda task: task['annotations'][0]['result'][1]['value'].update(x='5'),
            'task 1',
        ),
    ],
    ids=['annotation', 'data', 'value', 'null', 'number'],
)
def test_label_studios_faults_name_the_task(photos, function, message):
    path = write_label_studio(photos.parent, function)
    with pytest.raises(UserError, match=rf'{message}.*Fix: export it again'):
        read_annotations(path, photos)


def test_a_caption_is_not_taken_for_the_image(photos):
    def add(task):
        task['data'] = dict(caption='Dr. Smith', **task['data'])

    data = read_annotations(write_label_studio(photos.parent, add), photos)
    assert [image['file_name'] for image in data.images] == ['photo_0.png']


@pytest.mark.parametrize(
    ('old', 'new', 'message'),
    [
        ('40.00,30.00', '40.00', r'image photo_0\.png is not as CVAT writes it'),
        ('width="64"', 'width="wide"', r'image photo_0\.png is not as CVAT writes it'),
        (
            'label="right_ear" outside',
            'label="left_ear" outside',
            'twice in a skeleton',
        ),
        ('encoding="utf-8"', 'encoding="klingon"', 'unknown encoding'),
    ],
)
def test_cvats_faults_name_the_image(photos, old, new, message):
    path = photos.parent / 'annotations.xml'
    path.write_text(CVAT.replace(old, new))
    with pytest.raises(UserError, match=message):
        read_annotations(path, photos)


def test_cvat_is_read_in_the_encoding_that_it_states(photos):
    path = photos.parent / 'annotations.xml'
    path.write_text(CVAT.replace('utf-8', 'utf-16'), encoding='utf-16')
    assert len(read_annotations(path, photos).annotations) == 1


@pytest.mark.parametrize(
    ('old', 'new', 'message'),
    [
        ('\r\nlabeled-data', ',extra\r\nlabeled-data', 'header differ'),
        ('10.0,12.0,', '10.0,', 'line 4 .*columns; expected'),
        ('10.0,12.0,', 'ten,12.0,', "line 4 .*'ten'"),
        ('x,y,x,y', 'x,x,y,y', 'expected x, y for each joint'),
        ('left_ear,left_ear', 'nose,nose', 'names the joints nose twice'),
        (',', ';', 'begins with .*with commas'),
        ('nose,nose', 'n\xe4se,n\xe4se', 'no table in UTF-8'),
    ],
)
def test_deeplabcuts_faults_are_one_line(photos, old, new, message):
    path = write_deeplabcut(photos.parent, [JOINTS])
    content = path.read_bytes().decode().replace(old, new)
    path.write_bytes(content.encode('latin-1'))
    with pytest.raises(UserError, match=message):
        read_annotations(path, photos)


def test_a_table_that_excel_saved_is_read(photos):
    path = write_deeplabcut(photos.parent, [JOINTS])
    path.write_text(path.read_text(), encoding='utf-8-sig')
    assert len(read_annotations(path, photos).annotations) == 1


@pytest.mark.parametrize('name', ['', ' ', 'nose\n'])
def test_a_joint_needs_a_name(tmp_path, name):
    path = write_coco(tmp_path, names=(name, 'b', 'c', 'd'))
    with pytest.raises(UserError, match='the name of joint 1 is'):
        read_annotations(path, tmp_path / 'photos')


def test_links_to_joints_that_are_not_there_are_reported(tmp_path):
    path = write_coco(tmp_path, skeleton=[[1, 4], [0, 1], [4, 5]])
    data = read_annotations(path, tmp_path / 'photos')
    assert data.links == [(0, 3)]
    assert data.notes[0].startswith('2 links of the category left out')


def test_images_in_another_folder_are_said_to_be_missing(photos):
    path = photos.parent / 'annotations.xml'
    path.write_text(CVAT)
    (photos / 'photo_0.png').rename(photos / 'other.png')
    with pytest.raises(
        UserError,
        match=r'is of other images than those in --images; 2 annotated images are not '
        r'in .*, such as .*photo_0.png: left out',
    ):
        read_annotations(path, photos)


def test_an_empty_file_and_a_missing_one_are_told_apart(photos):
    path = photos.parent / 'a.json'
    with pytest.raises(UserError, match='does not exist'):
        read_annotations(path, photos, 'coco')
    path.touch()
    with pytest.raises(UserError, match='is empty'):
        read_annotations(path, photos)
