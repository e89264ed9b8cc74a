"""Annotations of several tools: the same people from each."""

import csv
import json
import re
from urllib.parse import quote

import numpy as np
import pytest
from annotated_files import NAMES, change, write_coco, write_images

from gm_pose.new_dataset.readers import read_annotations
from gm_pose.runs.user_errors import UserError

JOINTS = [[10.0, 12.0], [20.0, 30.0], [40.0, 30.0], [32.0, 60.0]]


def get_joints(data, n=0):
    return np.reshape(data.annotations[n]['keypoints'], (-1, 3))


def test_coco_is_read_as_it_is(tmp_path):
    data = read_annotations(write_coco(tmp_path), tmp_path / 'photos')
    assert data.joint_names == list(NAMES)
    assert data.links == [(0, 3)]
    assert not data.must_be_written


def test_roboflows_empty_category_is_left_out(tmp_path):
    def add(content):
        content['categories'].insert(
            0, dict(id=0, name='animals', supercategory='none')
        )

    data = read_annotations(change(write_coco(tmp_path), add), tmp_path / 'photos')
    assert data.category == dict(id=1, name='mouse')
    assert data.notes == []


def test_one_of_several_categories_must_be_chosen(tmp_path):
    def add(content):
        content['categories'].append(
            dict(id=2, name='rat', keypoints=['a', 'b', 'c', 'd'])
        )
        content['annotations'][0]['category_id'] = 2

    path = change(write_coco(tmp_path), add)
    with pytest.raises(UserError, match=r'mouse, rat.*--category NAME'):
        read_annotations(path, tmp_path / 'photos')
    data = read_annotations(path, tmp_path / 'photos', category='rat')
    assert len(data.annotations) == 1
    assert data.joint_names == ['a', 'b', 'c', 'd']
    assert data.must_be_written


@pytest.mark.parametrize('keypoints', [{'nose': [1, 2, 2]}, 'abc', 5])
def test_keypoints_that_are_no_list_are_one_line(tmp_path, keypoints):
    def spoil(content):
        content['annotations'][0]['keypoints'] = keypoints

    path = change(write_coco(tmp_path), spoil)
    with pytest.raises(UserError, match='keypoints'):
        read_annotations(path, tmp_path / 'photos')


@pytest.mark.parametrize('skeleton', [[1, 2], 'ab', [[1, 2, 3]], [[1, 1e999]]])
def test_a_skeleton_without_pairs_is_one_line(tmp_path, skeleton):
    def spoil(content):
        content['categories'][0]['skeleton'] = skeleton

    path = change(write_coco(tmp_path), spoil)
    with pytest.raises(
        UserError, match=r'the skeleton of .*; expected pairs of joints'
    ):
        read_annotations(path, tmp_path / 'photos')


def test_joints_can_be_renamed(tmp_path):
    path = write_coco(tmp_path)
    names = ['w', 'x', 'y', 'z']
    data = read_annotations(path, tmp_path / 'photos', joint_names=names)
    assert data.joint_names == names
    assert data.must_be_written
    with pytest.raises(UserError, match=r'--joints has 2 names and .* 4 joints'):
        read_annotations(path, tmp_path / 'photos', joint_names=['w', 'x'])


CVAT = """<?xml version="1.0" encoding="utf-8"?>
<annotations><version>1.1</version>
<meta><task><labels>
<label><name>mouse</name><type>skeleton</type></label>
<label><name>nose</name><type>points</type><parent>mouse</parent></label>
<label><name>left_ear</name><type>points</type><parent>mouse</parent></label>
<label><name>right_ear</name><type>points</type><parent>mouse</parent></label>
<label><name>tail_base</name><type>points</type><parent>mouse</parent></label>
</labels></task></meta>
<image id="0" name="a/photo_0.png" width="64" height="80">
<skeleton label="mouse" occluded="0">
<points label="right_ear" outside="0" occluded="1" points="40.00,30.00"/>
<points label="nose" outside="0" occluded="0" points="10.00,12.00"/>
<points label="left_ear" outside="0" occluded="0" points="20.00,30.00"/>
<points label="tail_base" outside="1" occluded="0" points="32.00,60.00"/>
</skeleton></image>
<image id="1" name="a/photo_9.png" width="64" height="80">
<skeleton label="mouse"><points label="nose" outside="0" points="1,1"/></skeleton></image>
</annotations>"""


def test_cvat(tmp_path):
    write_images(tmp_path / 'photos', 2)
    path = tmp_path / 'annotations.xml'
    path.write_text(CVAT)
    data = read_annotations(path, tmp_path / 'photos')
    assert data.joint_names == list(NAMES)
    expected = [[10, 12, 2], [20, 30, 2], [40, 30, 1], [0, 0, 0]]
    assert get_joints(data).tolist() == expected
    assert data.images == [dict(id=1, file_name='photo_0.png', width=64, height=80)]
    assert '1 annotated images are not in' in data.notes[0]


@pytest.mark.parametrize(
    ('text', 'message'),
    [
        ('<annotations><track/></annotations>', r'CVAT for images 1\.1'),
        ('<annotations><image name="photo_0.png"/></annotations>', 'no skeleton'),
        ('<html></html>', '<html>'),
        ('<annotations>', 'is no XML'),
    ],
)
def test_other_xml_is_refused(tmp_path, text, message):
    write_images(tmp_path / 'photos', 1)
    path = tmp_path / 'annotations.xml'
    path.write_text(text)
    with pytest.raises(UserError, match=message):
        read_annotations(path, tmp_path / 'photos')


def make_region(kind, number, label, **value):
    return dict(
        id=number,
        type=kind,
        original_width=64,
        original_height=80,
        value={kind: [label], **value},
    )


def make_task(with_boxes: bool, with_relation: bool) -> dict:
    """Two animals; the second one's nose lies in both boxes."""
    result = []
    for animal in range(2):
        if with_boxes:
            box = dict(
                x=50 * animal - 5 * animal, y=0, width=50 + 5 * animal, height=100
            )
            result.append(make_region('rectanglelabels', f'b{animal}', 'mouse', **box))
        x = (20, 48)[animal]
        point = make_region('keypointlabels', f'k{animal}', 'nose', x=x, y=25, width=1)
        result.append(point)
    if with_relation:
        result.append(dict(type='relation', from_id='k1', to_id='b1'))
    return dict(
        id=1,
        data=dict(image='/data/upload/3/photo_0.png'),
        annotations=[dict(result=result)],
    )


@pytest.mark.parametrize(('relation', 'x'), [(True, 30.72), (False, 12.8)])
def test_label_studio_finds_whose_a_keypoint_is(tmp_path, relation, x):
    """48 % of 64 px is 30.72 px. Without a relation the smaller box has both noses."""
    write_images(tmp_path / 'photos', 1)
    path = tmp_path / 'export.json'
    path.write_text(json.dumps([make_task(True, relation)]))
    if not relation:
        with pytest.raises(UserError, match=r"'nose' twice for one person"):
            read_annotations(path, tmp_path / 'photos')
        return
    data = read_annotations(path, tmp_path / 'photos')
    assert [get_joints(data, n)[0].tolist() for n in range(2)] == [
        [12.8, 20, 2],
        [x, 20, 2],
    ]
    assert data.annotations[1]['bbox'] == [28.8, 0.0, 35.2, 80.0]


@pytest.mark.parametrize('name', ['photo_0.png', "Mäuse 1 (b's).png", '3e1b1c2d-a.png'])
def test_label_studio_renames_uploads(tmp_path, name):
    photos = tmp_path / 'photos'
    write_images(photos, 2)
    (photos / 'photo_0.png').rename(photos / name)
    uploaded = re.sub(r'[^-\w.]', '', name.replace(' ', '_'))
    task = make_task(True, True)
    task['data']['image'] = f'/data/upload/3/0f1e2d3c-{quote(uploaded)}'
    (tmp_path / 'export.json').write_text(json.dumps([task]))
    data = read_annotations(tmp_path / 'export.json', photos)
    assert [image['file_name'] for image in data.images] == [name]
    assert data.notes == []


def test_two_images_that_an_upload_may_be_are_refused(tmp_path):
    photos = tmp_path / 'photos'
    write_images(photos, 2)
    (photos / 'photo_0.png').rename(photos / 'a b.png')
    (photos / 'photo_1.png').rename(photos / 'a_b.png')
    task = make_task(True, True)
    task['data']['image'] = '/data/upload/3/0f1e2d3c-a_b.png'
    (tmp_path / 'export.json').write_text(json.dumps([task]))
    with pytest.raises(UserError, match=r'may be .* or .* in'):
        read_annotations(tmp_path / 'export.json', photos)


def test_label_studio_without_boxes_needs_one_animal_an_image(tmp_path):
    write_images(tmp_path / 'photos', 1)
    path = tmp_path / 'export.json'
    path.write_text(json.dumps([make_task(False, False)]))
    with pytest.raises(UserError, match='draw a rectangle around each person'):
        read_annotations(path, tmp_path / 'photos')


def write_deeplabcut(folder, people, in_parts=True):
    """CollectedData_me.csv as DeepLabCut writes it: one animal, or several."""
    path = folder / 'CollectedData_me.csv'
    index = ['labeled-data', 'photos', 'photo_0.png']
    index = index if in_parts else ['/'.join(index)]
    pad = [''] * (len(index) - 1)
    with open(path, 'w', newline='') as file:
        write = csv.writer(file).writerow
        columns = 2 * len(NAMES) * len(people)
        write(['scorer', *pad, *['me'] * columns])
        if len(people) > 1:
            animals = np.repeat(
                [f'mouse{n}' for n in range(len(people))], 2 * len(NAMES)
            )
            write(['individuals', *pad, *animals])
        write(['bodyparts', *pad, *np.tile(np.repeat(NAMES, 2), len(people))])
        write(['coords', *pad, *['x', 'y'] * (columns // 2)])
        values = [v for joints in people for point in joints for v in point]
        write([*index, *['' if v is None else v for v in values]])
    return path


@pytest.mark.parametrize('in_parts', [True, False])
@pytest.mark.parametrize('animals', [1, 2])
def test_deeplabcut(tmp_path, in_parts, animals):
    write_images(tmp_path / 'photos', 2)
    first = [*JOINTS[:3], (None, None)]
    path = write_deeplabcut(tmp_path, [first, JOINTS][:animals], in_parts)
    data = read_annotations(path, tmp_path / 'photos')
    assert data.joint_names == list(NAMES)
    assert len(data.annotations) == animals
    assert get_joints(data).tolist() == [*([*p, 2] for p in JOINTS[:3]), [0, 0, 0]]
    assert data.images == [dict(id=1, file_name='photo_0.png', width=64, height=80)]


def test_deeplabcuts_predictions_are_no_labels(tmp_path):
    path = tmp_path / 'video.csv'
    path.write_text('scorer,a,a,a\nbodyparts,n,n,n\ncoords,x,y,likelihood\n0,1,2,0.9\n')
    with pytest.raises(UserError, match='holds predictions'):
        read_annotations(path, tmp_path)
    path.write_text('a,b\n1,2\n')
    with pytest.raises(UserError, match='CollectedData'):
        read_annotations(path, tmp_path)


def test_sleap_with_frames_inside(tmp_path):
    sio = pytest.importorskip('sleap_io')
    write_images(tmp_path / 'photos', 2)
    files = [str(tmp_path / 'photos' / f'photo_{n}.png') for n in range(2)]
    skeleton = sio.Skeleton(list(NAMES), edges=[('nose', 'tail_base')])
    points = np.array([*JOINTS[:3], [np.nan, np.nan]])
    instance = sio.Instance.from_numpy(points, skeleton=skeleton)
    video = sio.Video.from_filename(files)
    labels = sio.Labels(
        [sio.LabeledFrame(video=video, frame_idx=1, instances=[instance])]
    )
    labels.save(str(tmp_path / 'mice.pkg.slp'), embed='user', verbose=False)
    data = read_annotations(tmp_path / 'mice.pkg.slp', tmp_path / 'photos')
    assert data.joint_names == list(NAMES)
    assert data.links == [(0, 3)]
    assert get_joints(data).tolist() == [*([*p, 2] for p in JOINTS[:3]), [0, 0, 0]]
    (read,) = data.frames.values()
    import cv2

    assert (read() == cv2.imread(files[1])).all()


def test_missing_sleap_io_is_named_with_its_command(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__('sys').modules, 'sleap_io', None)
    path = tmp_path / 'mice.slp'
    path.write_bytes(b'')
    with pytest.raises(UserError, match=r"pip install 'gm_pose\[labels\]'"):
        read_annotations(path, tmp_path)


@pytest.mark.parametrize(
    ('name', 'content', 'message'),
    [
        ('CollectedData.h5', b'\x89HDF', r'\.csv beside each CollectedData'),
        ('labels.txt', b'0 0.5 0.5', 'export COCO keypoints'),
        ('export.zip', b'PK', 'unpack it'),
        ('x.json', b'{"images": []}', 'annotations'),
        ('x.json', b'{', 'no JSON|truncated|JSON'),
    ],
)
def test_what_is_not_read_says_what_to_export(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UserError, match=message):
        read_annotations(tmp_path / name, tmp_path)


def test_csv_beside_an_h5_is_named(tmp_path):
    for ending in ('h5', 'csv'):
        (tmp_path / f'CollectedData_me.{ending}').write_bytes(b'\x89HDF')
    with pytest.raises(UserError, match=r'Fix: .*CollectedData_me\.csv, which lies'):
        read_annotations(tmp_path / 'CollectedData_me.h5', tmp_path)


def test_two_files_of_one_name_are_not_guessed(tmp_path):
    write_images(tmp_path / 'photos' / 'a', 1)
    write_images(tmp_path / 'photos' / 'b', 1)
    path = tmp_path / 'annotations.xml'
    path.write_text(CVAT.replace('a/photo_0', 'photo_0'))
    with pytest.raises(UserError, match='may be'):
        read_annotations(path, tmp_path / 'photos')
    path.write_text(CVAT)
    data = read_annotations(path, tmp_path / 'photos')
    assert data.images[0]['file_name'] == 'a/photo_0.png'
