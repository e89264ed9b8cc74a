"""Exports of annotation tools: good ones pass, typical faults of each have a name.

Each maker writes what its tool writes, of the same rendered people. Sources of the layouts:

* CVAT, "COCO Keypoints 1.0": datumaro's COCO format.
* Label Studio: `label_studio_sdk.converter.keypoints`; MMPose's `labelstudio2coco.py`.
* Roboflow, "COCO Keypoint": roboflow.com/formats/coco-keypoint.
* COCO Annotator: `backend/webserver/util/coco_util.py`.
* labelme: the many copies of `labelme2coco.py` with `class Labelme2coco_keypoints`.
"""

import copy
import json

import pytest

from gm_pose.__main__ import main

AREA_OF_BOX = 'people whose area is width x height of the box'


def box_joints(row):
    """Keypoints -> the box of those that are labelled, as most exporters make it."""
    xs = [x for x, v in zip(row[::3], row[2::3], strict=True) if v]
    ys = [y for y, v in zip(row[1::3], row[2::3], strict=True) if v]
    return [min(xs), min(ys), max(xs) - min(xs), max(ys) - min(ys)]


def number(data, first):
    """Ids from `first` on."""
    ids = {image['id']: n for n, image in enumerate(data['images'], first)}
    for image in data['images']:
        image['id'] = ids[image['id']]
    for n, person in enumerate(data['annotations'], first):
        person.update(id=n, image_id=ids[person['image_id']])


def make_cvat(data):
    number(data, 1)
    for image in data['images']:
        image.update(license=0, flickr_url='', coco_url='', date_captured=0)
    for person in data['annotations']:
        x, y, w, h = box_joints(person['keypoints'])
        person.update(segmentation=[], bbox=[x, y, w, h], area=w * h, iscrowd=0)
        person['attributes'] = dict(occluded=False, keyframe=True)
    data['categories'][0].update(supercategory='')
    data['licenses'] = [dict(name='', id=0, url='')]


def make_label_studio(data):
    """Whole px, no area, and no outline."""
    number(data, 0)
    data['categories'] = [
        dict(id=0, name='person', keypoints=data['categories'][0]['keypoints'])
    ]
    for image in data['images']:
        image['file_name'] = 'images/' + image['file_name']
    for person in data['annotations']:
        row = [round(v) for v in person['keypoints']]
        person.update(keypoints=row, bbox=box_joints(row), category_id=0)
        del person['area']
        person.pop('segmentation', None)


def make_labelstudio2coco(data):
    """MMPose's tool: a category for each label, and areas of boxes."""
    number(data, 0)
    names = data['categories'][0]['keypoints']
    data['categories'] = [dict(id=n, name=name) for n, name in enumerate(names, 1)]
    for person in data['annotations']:
        w, h = person['bbox'][2:]
        person.update(area=w * h, ignore=0, category_id=1)


def make_roboflow(data):
    number(data, 0)
    own = data['categories'][0]
    own.update(id=1, supercategory='people')
    data['categories'] = [dict(id=0, name='people', supercategory='none'), own]
    for image in data['images']:
        name = image['file_name'].replace('.', '_') + '.rf.21d9ecc535939df6226dbf15.jpg'
        image.update(license=1, file_name=name, extra=dict(name=image['file_name']))
    for person in data['annotations']:
        w, h = person['bbox'][2:]
        person.update(area=w * h, segmentation=[], category_id=1)


def make_coco_annotator(data):
    own = data['categories'][0]
    own.update(
        color='#e1f4a3', metadata={}, creator='admin', keypoint_colors=['#bf5c4d']
    )
    for image in data['images']:
        image.update(
            dataset_id=5,
            category_ids=[1],
            path=f'/datasets/df/{image["file_name"]}',
            annotated=True,
            annotating=[],
            num_annotations=1,
            metadata={},
            milliseconds=912,
            events=[],
            regenerate_thumbnail=False,
        )
    for person in data['annotations']:
        person.update(
            iscrowd=False, isbbox=False, dataset_id=5, creator='admin', color='#2fd6a1'
        )
        person.update(metadata={}, milliseconds=0, events=[])
        row = person['keypoints']
        for k in range(2, len(row), 3):
            if not row[k]:
                row[k - 2 : k] = [0, 0]


def make_labelme(data):
    """`keypoint` for `keypoints` in the category; areas mended by those who evaluate."""
    number(data, 0)
    own = data['categories'][0]
    own['keypoint'] = [str(n) for n in range(1, 1 + len(own.pop('keypoints')))]
    for person in data['annotations']:
        x, y, w, h = person['bbox']
        person.update(segmentation=[[x, y, x + w, y + h]], area=w * h)
        row = person['keypoints']
        row[2::3] = [int(v > 0) for v in row[2::3]]


MAKERS = {
    'CVAT': make_cvat,
    'Label Studio': make_label_studio,
    'labelstudio2coco': make_labelstudio2coco,
    'Roboflow': make_roboflow,
    'COCO Annotator': make_coco_annotator,
    'labelme2coco': make_labelme,
}
# What is noted of a good export, and what is harmful where the tool's habit is.
GOOD = {
    'CVAT': ({AREA_OF_BOX}, set()),
    'Label Studio': (set(), {'annotations without an area'}),
    'labelstudio2coco': ({AREA_OF_BOX}, set()),
    'Roboflow': ({AREA_OF_BOX}, set()),
    'COCO Annotator': (set(), set()),
    'labelme2coco': ({AREA_OF_BOX}, set()),
}


def each(change):
    def damage(data):
        for person in data['annotations']:
            change(person)

    return damage


def each_image(change):
    def damage(data):
        for image in data['images']:
            change(image)

    return damage


def use_percent(data):
    """Label Studio stores percent; home-made converters forget to multiply."""
    sizes = {i['id']: (i['width'], i['height']) for i in data['images']}
    for person in data['annotations']:
        w, h = sizes[person['image_id']]
        row = person['keypoints']
        row[::3] = [100 * x / w for x in row[::3]]
        row[1::3] = [100 * y / h for y in row[1::3]]
        person['bbox'] = box_joints(row)


def drop_joints(data):
    """Joints that nobody marked are left out, not written as 0, 0, 0."""
    person = data['annotations'][3]
    del person['keypoints'][-6:]


def put_joints_into_objects(data):
    """One annotation, and one category, for each joint."""
    names = data['categories'][0]['keypoints']
    data['categories'] = [dict(id=n, name=name) for n, name in enumerate(names)]
    joints = []
    for person in data['annotations']:
        row = person['keypoints']
        for k in range(0, len(row), 3):
            joint = dict(person, id=len(joints), category_id=k // 3, area=0)
            del joint['keypoints'], joint['num_keypoints']
            joints.append(dict(joint, bbox=[row[k], row[k + 1], 1, 1]))
    data['annotations'] = joints


FAULTS = [
    ('CVAT', lambda d: d.update(annotations=[]), 'the list `annotations` is empty'),
    ('CVAT', put_joints_into_objects, 'files that describe nobody'),
    (
        'CVAT',
        each(lambda p: p.update(keypoints=[], num_keypoints=0)),
        'files without a person to train on',
    ),
    (
        'CVAT',
        each(lambda p: p.update(keypoints=p['keypoints'] + [0, 0, 0])),
        'people whose number of keypoints is not 17',
    ),
    ('Label Studio', lambda d: None, 'annotations without an area'),
    ('Label Studio', use_percent, 'coordinates that look like another format'),
    (
        'Label Studio',
        each(lambda p: p.update(bbox=[0, 0, 0, 0])),
        'boxes of no size',
    ),
    (
        'labelstudio2coco',
        drop_joints,
        'people whose number of keypoints is not',
    ),
    (
        'labelstudio2coco',
        each(lambda p: p.pop('bbox')),
        'annotations without keypoints or box',
    ),
    (
        'Roboflow',
        each(lambda p: p.update(category_id=7)),
        'files without the categories of their people',
    ),
    (
        'Roboflow',
        each_image(lambda i: i.update(width=i['width'] // 3, height=i['height'] // 3)),
        'files whose joints are outside their images',
    ),
    (
        'Roboflow',
        each(lambda p: p.update(id=str(p['id']))),
        'annotation ids that are no',
    ),
    (
        'COCO Annotator',
        each(lambda p: p.update(bbox=[0, 0, 0, 0], area=0)),
        'boxes of no size',
    ),
    (
        'COCO Annotator',
        each(lambda p: p.pop('keypoints')),
        'files that describe nobody',
    ),
    (
        'labelme2coco',
        each(lambda p: p.update(area=1.0)),
        'people whose area is not that of their box',
    ),
    (
        'labelme2coco',
        each(lambda p: p.update(bbox=[*p['bbox'][:2], -p['bbox'][2], -p['bbox'][3]])),
        'boxes of no size',
    ),
    (
        'labelme2coco',
        each(
            lambda p: p.update(
                bbox=[
                    *p['bbox'][:2],
                    p['bbox'][0] + p['bbox'][2],
                    p['bbox'][1] + p['bbox'][3],
                ]
            )
        ),
        'coordinates that look like another format',
    ),
    (
        'labelme2coco',
        each(lambda p: p.update(image_id=f'{p["image_id"]:06d}')),
        'annotations of unknown images',
    ),
]


def check(data, tmp_path, capsys, *arguments):
    path = tmp_path / 'export.json'
    path.write_text(json.dumps(data))
    code = main(['check-data', str(path), *arguments])
    printed = capsys.readouterr()
    return code, printed.out, printed.err


def read_marks(printed, mark):
    lines = [line.split(None, 1) for line in printed.splitlines() if line.strip()]
    return {
        line[1].rpartition(': ')[0] if '(' not in line[1] else line[1].split(': ')[0]
        for line in lines
        if line[0] == mark and len(line) > 1
    }


@pytest.mark.parametrize('tool', MAKERS)
def test_good_export_is_accepted(tool, people, tmp_path, capsys):
    data = copy.deepcopy(people)
    MAKERS[tool](data)
    code, printed, _ = check(data, tmp_path, capsys)
    notes, harm = GOOD[tool]
    assert read_marks(printed, 'HARM') == harm
    assert read_marks(printed, 'note') >= notes
    assert code == int(bool(harm))


def test_export_without_areas_is_accepted_where_the_evaluator_asks_for_none(
    people, tmp_path, capsys
):
    data = copy.deepcopy(people)
    make_label_studio(data)
    config = tmp_path / 'config.py'
    dataset = "dataset=dict(type='CocoDataset', ann_file='export.json')"
    config.write_text(
        f'train_dataloader = dict({dataset})\nval_dataloader = dict({dataset})\n'
        "val_evaluator = dict(type='CocoMetric', ann_file='export.json', use_area=False)\n"
    )
    code, printed, _ = check(data, tmp_path, capsys, '--config', str(config))
    assert (code, read_marks(printed, 'HARM')) == (0, set())


@pytest.mark.parametrize(('tool', 'damage', 'name'), FAULTS)
def test_fault_of_an_export_has_a_name(tool, damage, name, people, tmp_path, capsys):
    data = copy.deepcopy(people)
    MAKERS[tool](data)
    damage(data)
    code, printed, error = check(data, tmp_path, capsys)
    harm = read_marks(printed, 'HARM')
    assert code in (1, 2)
    assert any(found.startswith(name) for found in harm) or name in error, (harm, error)
