"""Files for detected boxes need no people; the others do."""

import contextlib
import gc
import json

import pytest
from mmengine.config import Config
from mmengine.registry import init_default_scope

from gm_pose.runs.checks.annotation_files import check_annotation_files
from gm_pose.runs.checks.outline import read_outline
from gm_pose.runs.data_checks.annotation_table import AnnotationTable
from gm_pose.runs.data_checks.json_file import read_json
from gm_pose.runs.data_checks.rules import find_refusal
from gm_pose.runs.data_checks.schema import check_lists
from gm_pose.runs.user_errors import UserError

LISTS = ('images', 'annotations', 'categories')
IMAGE = dict(id=1, file_name='a.jpg', width=640, height=480)


def check_files(cfg) -> list[str]:
    return [str(p) for p in check_annotation_files(read_outline(cfg, ('test',)))]


def refuse(person: dict, count: int | None) -> str | None:
    """One person of a file -> why a run on it is refused, or None."""
    person = dict(image_id=1, **person)
    table = AnnotationTable(
        dict(images=[IMAGE], annotations=[person]), count, needs=('keypoints', 'bbox')
    )
    problem = find_refusal(table, 'a.json')
    return None if problem is None else str(problem)


@pytest.fixture
def cfg(write_config, coco, tmp_path):
    """A config that tests on images without annotations, as COCO's test-dev."""
    init_default_scope('mmpose')
    source = coco / 'annotations' / 'person_keypoints_val2017.json'
    data = json.loads(source.read_text())
    boxes = [
        {key: person[key] for key in ('image_id', 'category_id', 'bbox')}
        for person in data.pop('annotations')
    ]
    info, detections = tmp_path / 'image_info.json', tmp_path / 'boxes.json'
    info.write_text(json.dumps(data))
    detections.write_text(json.dumps([dict(box, score=0.9) for box in boxes]))
    cfg = Config.fromfile(write_config())
    cfg.test_dataloader.dataset.update(ann_file=str(info), bbox_file=str(detections))
    return cfg


def test_images_and_boxes_are_enough_to_write_predictions(cfg, tmp_path):
    from mmpose.registry import DATASETS

    cfg.test_evaluator = dict(
        type='CocoMetric', format_only=True, outfile_prefix=str(tmp_path / 'out')
    )
    assert check_files(cfg) == []
    assert len(DATASETS.build(cfg.test_dataloader.dataset)) == 11


def test_images_and_boxes_are_not_enough_to_score(cfg):
    cfg.test_evaluator = [dict(type='CocoMetric')]
    (problem,) = check_files(cfg)
    assert 'test_evaluator.0.format_only=True' in problem


def test_without_boxes_the_people_are_needed(cfg):
    cfg.test_dataloader.dataset.bbox_file = None
    (problem,) = check_files(cfg)
    assert 'no list `annotations`' in problem


def test_number_of_joints_that_nobody_says_is_not_compared_with_none():
    person = dict(id=5, bbox=[0, 0, 1, 1], keypoints=[1, 2, 2] * 4)
    assert refuse(person, None) is None
    person['keypoints'].pop()
    problem = refuse(person, None)
    assert 'annotations[0].keypoints (id 5) has 11 numbers' in problem
    assert 'None' not in problem


@pytest.mark.parametrize('with_fields', [True, False])
def test_entry_that_is_no_object_is_refused(with_fields):
    with pytest.raises(UserError, match=r'annotations\[0\] is 1; expected an object'):
        check_lists(dict(annotations=[1]), 'a.json', ('annotations',), with_fields)


@pytest.mark.parametrize('field', ['keypoints', 'bbox', 'area'])
@pytest.mark.parametrize('value', [None, 'x', {}, ['a'] * 51, [[1, 2], [3]]])
def test_person_with_values_of_another_kind_is_named(field, value):
    person = dict(id=5, bbox=[0, 0, 1, 1], keypoints=[1, 2, 2] * 17, area=1.0)
    assert refuse(person, 17) is None
    problem = refuse(dict(person, **{field: value}), 17)
    assert f'annotations[0].{field} (id 5) ' in problem
    assert len(problem) < 200


def test_number_too_large_for_a_float_is_a_number():
    person = dict(id=5, bbox=[0, 0, 1, 1], keypoints=[10**400, 2, 2] * 17, area=1.0)
    assert refuse(person, 17) is None


@pytest.mark.parametrize(
    ('name', 'field', 'value'),
    [
        ('images', 'file_name', 3),
        ('images', 'width', None),
        ('images', 'height', '480'),
        ('images', 'id', [1]),
        ('annotations', 'image_id', {}),
        ('categories', 'id', None),
    ],
)
def test_field_of_another_kind_is_named(name, field, value):
    person = dict(id=5, image_id=1, category_id=1)
    data = dict(images=[dict(IMAGE)], annotations=[person], categories=[dict(id=1)])
    check_lists(data, 'a.json', LISTS)
    data[name][0][field] = value
    with pytest.raises(UserError, match=rf'a\.json: {name}\[0\]\.{field} is '):
        check_lists(data, 'a.json', LISTS)


def test_garbage_is_collected_again_after_reading(tmp_path):
    path = tmp_path / 'a.json'
    for text in ('{}', '{'):
        path.write_text(text)
        with contextlib.suppress(UserError):
            read_json(str(path))
        assert gc.isenabled()


@pytest.mark.parametrize('text', ['[{"a": "b', '[1, 2', '{"a": [1, {"b":'])
def test_file_cut_anywhere_is_truncated(text, tmp_path):
    path = tmp_path / 'a.json'
    path.write_text(text)
    with pytest.raises(UserError, match='truncated'):
        read_json(str(path))
