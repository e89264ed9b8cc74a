"""Files for detected boxes need no people; the others do."""

import json

import pytest
from mmengine.config import Config
from mmengine.registry import init_default_scope

from gm_pose.engine.annotation_checks import check_annotation_files, check_coco_frame
from gm_pose.engine.user_errors import UserError


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
    check_annotation_files(cfg, ('test',))
    assert len(DATASETS.build(cfg.test_dataloader.dataset)) == 11


def test_images_and_boxes_are_not_enough_to_score(cfg):
    cfg.test_evaluator = [dict(type='CocoMetric')]
    with pytest.raises(UserError, match=r'test_evaluator\.format_only=True'):
        check_annotation_files(cfg, ('test',))


def test_without_boxes_the_people_are_needed(cfg):
    cfg.test_dataloader.dataset.bbox_file = None
    with pytest.raises(UserError, match='no list `annotations`'):
        check_annotation_files(cfg, ('test',))


def test_number_of_joints_that_nobody_says_is_not_compared_with_none():
    from gm_pose.engine.annotation_checks import _check_people

    person = dict(id=5, bbox=[0, 0, 1, 1], keypoints=[1, 2, 2] * 4)
    _check_people(dict(annotations=[person]), 'a.json', None)
    person['keypoints'].pop()
    with pytest.raises(UserError, match='annotation 5 has 11 numbers') as error:
        _check_people(dict(annotations=[person]), 'a.json', None)
    assert 'None' not in str(error.value)


def test_entry_that_is_no_object_is_refused():
    with pytest.raises(UserError, match=r'annotations\[0\] has no `id`'):
        check_coco_frame(dict(annotations=[1]), 'a.json', ('annotations',))
