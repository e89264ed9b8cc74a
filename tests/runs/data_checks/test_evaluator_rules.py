"""What COCOeval and MMPose's reader cannot take is found before they read it."""

import json
import math

import numpy as np
import pytest

from gm_pose.runs.data_checks import AnnotationTable, check_annotations
from gm_pose.runs.data_checks.file_use import FileUse
from gm_pose.runs.data_checks.json_file import read_json
from gm_pose.runs.data_checks.schema import CocoFile
from gm_pose.runs.user_errors import UserError

AREA = 'annotations without an area'
FIELDS = 'annotations without keypoints or box'
NO_CATEGORY = 'files without the categories of their people'
CATEGORY = 'annotations of unknown categories'
ANN_ID = 'annotation ids that are no integers from 0 to 2^63 - 1'
IMAGE_ID = 'image ids that are no integers'
CROWD = 'annotations with iscrowd other than 0 and 1'
NOBODY = 'files without a person to train on'


def harm(data, **definition) -> dict[str, int]:
    findings = check_annotations(data, **definition)
    return {f.name: f.count for f in findings if f.harmful and f.count}


def put(field, value):
    """Set a field of all annotations."""

    def damage(data):
        for entry in data['annotations']:
            entry[field] = value(entry[field]) if callable(value) else value

    return damage


def drop(field, which=slice(None)):
    def damage(data):
        for entry in data['annotations'][which]:
            del entry[field]

    return damage


def rename_images(function):
    def damage(data):
        for image in data['images']:
            image['id'] = function(image['id'])
        put('image_id', function)(data)

    return damage


def set_categories(value):
    return lambda data: data.update(categories=value)


ONE = slice(3, 4)
# damage, what check-data calls harmful, whether MMPose 1.3.2 with xtcocotools 1.14.3 fails
# (an exception, or an AP other than 1 for perfect predictions)
CASES = {
    'area missing': (drop('area'), AREA, True),
    'area missing once': (drop('area', ONE), AREA, True),
    'keypoints missing once': (drop('keypoints', ONE), FIELDS, True),
    'box missing once': (drop('bbox', ONE), FIELDS, True),
    'no category': (set_categories([]), NO_CATEGORY, True),
    'category null': (set_categories(None), NO_CATEGORY, True),
    'category as text': (set_categories([dict(id='1')]), NO_CATEGORY, True),
    'category 0': (put('category_id', 0), NO_CATEGORY, True),
    'id as text': (put('id', lambda key: f'a{key}'), ANN_ID, True),
    'id of 2^63': (put('id', lambda key: 2**63 + key), ANN_ID, True),
    'id of 400 digits': (put('id', lambda key: 10**400 + key), ANN_ID, True),
    'id below 0': (put('id', lambda key: -key - 1), ANN_ID, True),
    'image id as text': (rename_images(str), IMAGE_ID, True),
    'image id as float': (rename_images(float), IMAGE_ID, True),
    'iscrowd null': (put('iscrowd', None), CROWD, True),
    'num_keypoints 0': (put('num_keypoints', 0), NOBODY, True),
    'num_keypoints 0.0': (put('num_keypoints', 0.0), NOBODY, True),
    'all crowds': (put('iscrowd', 1), NOBODY, True),
    'nothing wrong': (lambda data: None, None, False),
    'id as float': (put('id', float), None, False),
    'id of 2^60': (put('id', lambda key: 2**60 + key), None, False),
    'image_id as float': (put('image_id', float), None, False),
    'image ids below 0': (rename_images(lambda key: -key), None, False),
    'category_id as float': (put('category_id', float), None, False),
    'iscrowd missing': (drop('iscrowd'), None, False),
    'iscrowd false': (put('iscrowd', False), None, False),
    'num_keypoints missing': (drop('num_keypoints'), None, False),
    'num_keypoints null': (put('num_keypoints', None), None, False),
}


@pytest.mark.parametrize('case', CASES)
def test_verdict(case, people):
    damage, name, _ = CASES[case]
    damage(people)
    assert (name in harm(people)) if name else harm(people) == {}


def run_mmpose(path) -> float:
    """AP of perfect predictions on a file."""
    from mmengine.registry import init_default_scope
    from mmpose.datasets import CocoDataset
    from mmpose.evaluation import CocoMetric

    init_default_scope('mmpose')
    dataset = CocoDataset(ann_file=str(path), data_prefix=dict(img=''), pipeline=[])
    metric = CocoMetric(ann_file=str(path))
    metric.dataset_meta = dict(dataset.metainfo)
    samples = []
    for info in map(dataset.get_data_info, range(len(dataset))):
        box, points = info['bbox'], info['keypoints']
        samples.append(
            dict(
                id=info['id'],
                img_id=info['img_id'],
                category_id=info['category_id'],
                pred_instances=dict(
                    keypoints=points,
                    bboxes=box,
                    keypoint_scores=np.ones(points.shape[:2]),
                ),
                gt_instances=dict(bbox_scores=np.ones(1), bbox_scales=box[:, 2:]),
            )
        )
    metric.process([], samples)
    return metric.compute_metrics(metric.results)['AP']


@pytest.mark.parametrize('case', CASES)
def test_mmpose_does_what_the_verdict_says(case, people, tmp_path):
    from gm_pose.runs.host.xtcocotools import has_xtcocotools, is_stand_in_installed

    if is_stand_in_installed() or not has_xtcocotools():
        pytest.skip('the stand-in takes ids that xtcocotools does not')
    damage, _, fails = CASES[case]
    damage(people)
    path = tmp_path / 'a.json'
    path.write_text(json.dumps(people))
    try:
        precision = run_mmpose(path)
    except Exception:  # any type: a KeyError, a TypeError, numpy's own
        precision = None
    assert (precision != 1) == fails


def test_area_is_not_needed_without_use_area(people):
    drop('area')(people)
    assert harm(people, use=FileUse(use_area=False)) == {}
    assert harm(people, use=FileUse(is_evaluated=False)) == {}
    people['images'][0]['crowdIndex'] = 0.4  # CrowdPose's own files have no area
    assert harm(people) == {}


def test_stand_in_takes_ids_below_0(people):
    put('id', lambda key: -key)(people)
    assert ANN_ID in harm(people)
    assert harm(people, use=FileUse(is_stand_in=True)) == {}


def test_a_file_without_people_lacks_no_category(people):
    people['annotations'] = []
    found = harm(people)
    assert NOBODY in found
    assert NO_CATEGORY not in found


def test_category_of_some_is_counted(people):
    people['annotations'][3]['category_id'] = 7
    assert harm(people) == {CATEGORY: 1}


def test_reason_why_nobody_is_left_is_counted(people):
    for entry in people['annotations'][:10]:
        entry['iscrowd'] = 1
    for entry in people['annotations'][10:]:
        entry['keypoints'] = [0] * 51
    (finding,) = (f for f in check_annotations(people) if f.name == NOBODY)
    assert finding.examples == ['file: 10 with `iscrowd`, 6 without a labelled joint']


def test_people_outside_the_sample_interval_leave_nobody(people):
    for image in people['images']:
        image['id'] = 2 * image['id'] + 1
    put('image_id', lambda key: 2 * key + 1)(people)
    assert harm(people) == {}
    assert NOBODY in harm(people, use=FileUse(sample_interval=2))


def test_nan_of_an_unlabelled_joint_is_no_harm(people):
    row = people['annotations'][0]['keypoints']
    row[:3] = [math.nan, math.nan, 0]
    assert harm(people) == {}
    row[2] = 1
    assert harm(people) == {'people with NaN or infinite keypoints': 1}


ENCODINGS = ['utf-8-sig', 'utf-16', 'utf-16-le', 'utf-16-be', 'utf-32']


@pytest.mark.parametrize('encoding', ENCODINGS)
def test_encoding_that_mmpose_does_not_read_is_refused(encoding, tmp_path):
    path = tmp_path / 'a.json'
    path.write_bytes('{"a": "\u4eba"}'.encode(encoding))
    with pytest.raises(UserError, match='MMPose reads plain UTF-8') as caught:
        read_json(str(path))
    code = str(caught.value).partition('python -c "')[2].rstrip('"')
    exec(code, {})
    assert read_json(str(path)) == {'a': '\u4eba'}


def test_bytes_of_latin_1_are_refused(tmp_path):
    path = tmp_path / 'a.json'
    path.write_bytes('{"a": "\xe9"}'.encode('latin-1'))
    with pytest.raises(UserError, match='no JSON file in UTF-8'):
        read_json(str(path))


@pytest.mark.parametrize(
    'text', ['[NaN, -Infinity]', '[1e999]', '["\\ud800"]', '{"a": 1, "a": 2}', '[-0]']
)
def test_what_msgspec_refuses_is_read_as_json_does(text, tmp_path):
    path = tmp_path / 'a.json'
    path.write_text(text)
    assert repr(read_json(str(path))) == repr(json.loads(text))


def test_layout_keeps_its_fields_and_looks_at_the_others(tmp_path):
    path = tmp_path / 'a.json'
    entry = '"id": 1, "keypoints": [1, 2.5, "x"], "segmentation": [[%s]]'
    whole = '{"info": {}, "images": [{"id": 0, "license": 3}], "annotations": [{%s}]}'
    path.write_text(whole % entry % '1.5, 2')
    data = read_json(str(path), CocoFile)
    people = [{'id': 1, 'keypoints': [1, 2.5, 'x']}]
    assert data == {'images': [{'id': 0}], 'annotations': people}
    for wrong in ('1.5.2', '1,,2', '01', '1 2', 'x'):
        path.write_text(whole % entry % wrong)
        with pytest.raises(UserError, match='is no JSON'):
            read_json(str(path), CocoFile)
    path.write_bytes((whole % entry % '"\xe9"').encode('latin-1'))
    with pytest.raises(UserError, match='no JSON file in UTF-8'):
        read_json(str(path), CocoFile)


@pytest.mark.parametrize('text', ['[1]', '{"images": 3}', '{"annotations": [4]}', '3'])
def test_file_of_another_layout_is_read_whole(text, tmp_path):
    path = tmp_path / 'a.json'
    path.write_text(text)
    assert read_json(str(path), CocoFile) == json.loads(text)


def test_one_missing_field_hides_no_other(people):
    del people['annotations'][0]['iscrowd'], people['annotations'][1]['num_keypoints']
    table = AnnotationTable(people, 17)
    for field, missing in (('iscrowd', 0), ('num_keypoints', 1)):
        expected = [n != missing for n in range(len(table))]
        assert table.have(field).tolist() == expected
    assert table.fields['bbox'] == [a['bbox'] for a in people['annotations']]
