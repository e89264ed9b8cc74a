"""Boxes from files and detectors, and those that cannot be used."""

import json

import numpy as np
import pytest

from gm_pose.inference.boxes import BoxCounts, keep_usable, open_boxes
from gm_pose.inference.sources import Frame
from gm_pose.runs.user_errors import UserError


def make_frame(source='photos/a.jpg', index=None, position=0):
    return Frame(np.zeros((60, 80, 3), np.uint8), source, index, position)


@pytest.fixture
def write_json(tmp_path):
    def write(content, name='boxes.json'):
        path = tmp_path / name
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        return str(path)

    return write


ANNOTATIONS = dict(
    images=[
        dict(id=7, file_name='photos/a.jpg', width=80, height=60),
        dict(id=8, file_name='other/a.jpg', width=80, height=60),
        dict(id=9, file_name='3', width=80, height=60),
        dict(id=10, file_name='other/c.jpg', width=80, height=60),
    ],
    annotations=[
        dict(image_id=7, category_id=1, bbox=[10, 10, 20, 30], iscrowd=0),
        dict(image_id=7, category_id=1, bbox=[60, -5, 40, 30]),
        dict(image_id=7, category_id=1, bbox=[0, 0, 80, 60], iscrowd=1),
        dict(image_id=7, category_id=2, bbox=[1, 1, 5, 5]),
        dict(image_id=8, category_id=1, bbox=[5, 5, 6, 7]),
        dict(image_id=9, category_id=1, bbox=[1, 2, 3, 4]),
    ],
    categories=[dict(id=1, name='person'), dict(id=2, name='dog')],
)

DETECTION = dict(image_id=1, category_id=1, bbox=[0, 0, 1, 1], score=0.5)
ANNOTATED = dict(id=3, image_id=7, category_id=1)


def test_the_whole_image_is_one_box():
    found = open_boxes('whole').find(make_frame())
    assert found.boxes_px.tolist() == [[0, 0, 80, 60]]


def test_annotations_belong_to_the_image_of_that_path(write_json):
    finder = open_boxes(write_json(ANNOTATIONS))
    found = finder.find(make_frame('/data/photos/a.jpg'))
    # clipped to the last px, as MMPose's datasets do; neither crowd nor dog
    assert found.boxes_px.tolist() == [[10, 10, 30, 40], [60, 0, 79, 25]]
    assert (found.image_id, found.scores.tolist()) == (7, [1, 1])
    assert finder.find(make_frame('/data/other/a.jpg')).image_id == 8
    assert finder.find(make_frame('clip.mp4', 3)).boxes_px.tolist() == [[1, 2, 4, 6]]
    assert len(finder.find(make_frame('/data/b.jpg')).boxes_px) == 0
    # two images have this name in other folders; one has the next
    assert finder.find(make_frame('/data/a.jpg')).image_id is None
    assert finder.find(make_frame('/elsewhere/c.jpg')).image_id == 10


def test_annotations_without_sizes_of_images_can_be_used(write_json):
    images = [dict(id=7, file_name='photos/a.jpg')]
    annotations = [dict(image_id=7, category_id=1, bbox=[60, -5, 40, 30])]
    path = write_json(dict(images=images, annotations=annotations))
    found = open_boxes(path).find(make_frame('/data/photos/a.jpg'))
    assert found.boxes_px.tolist() == [[60, 0, 100, 25]]


def test_detections_belong_to_the_number_in_the_name(write_json):
    path = write_json(
        [
            dict(image_id=139, category_id=1, bbox=[1, 2, 3, 4], score=0.9),
            dict(image_id=139, category_id=1, bbox=[2, 2, 3, 4], score=0.1),
            dict(image_id=139, category_id=18, bbox=[9, 9, 9, 9], score=0.8),
            dict(image_id='b', category_id=1, bbox=[0, 0, 2, 2], score=0.5),
            dict(image_id=3, category_id=1, bbox=[0, 0, 3, 3], score=0.5),
        ]
    )
    found = open_boxes(path).find(make_frame('x/000000000139.jpg'))
    assert found.boxes_px.tolist() == [[1, 2, 4, 6], [2, 2, 5, 6]]
    np.testing.assert_allclose(found.scores, [0.9, 0.1])
    finder = open_boxes(path, threshold=0.3)
    assert len(finder.find(make_frame('x/000000000139.jpg')).boxes_px) == 1
    assert finder.find(make_frame('x/b.jpg')).boxes_px.tolist() == [[0, 0, 2, 2]]
    assert finder.find(make_frame('clip.mp4', 3)).image_id == 3


def test_scores_below_zero_are_no_reason_to_leave_a_box_out(write_json):
    """Logits, in a file that no threshold is given for."""
    path = write_json([dict(DETECTION, score=-2.5)])
    assert open_boxes(path).find(make_frame('1.jpg')).scores.tolist() == [-2.5]
    assert not len(open_boxes(path, 0.0).find(make_frame('1.jpg')).scores)


def test_people_of_another_category_are_noted(write_json):
    finder = open_boxes(write_json([dict(DETECTION, category_id=0)]))
    finder.find(make_frame('1.jpg'))
    assert finder.unmatched_note.endswith('; 1 are not of category_id 1 (person)')


def test_a_file_for_other_images_is_noted(write_json):
    finder = open_boxes(write_json(ANNOTATIONS))
    finder.find(make_frame('b.jpg'))
    assert 'has no boxes for any of these images' in finder.unmatched_note
    finder.find(make_frame('photos/a.jpg'))
    assert finder.unmatched_note is None


@pytest.mark.parametrize(
    ('content', 'message'),
    [
        ('{"images": [', 'truncated'),
        ({}, 'has no lists `images` and `annotations`'),
        (dict(images=[{}], annotations=[]), 'no COCO annotations file .no .id'),
        (
            dict(ANNOTATIONS, annotations=[dict(image_id=1, category_id=1, bbox=[1])]),
            'no COCO annotations file',
        ),
        (
            dict(images=[], annotations=[dict(image_id=5, bbox=[0, 0, 1, 1])]),
            'a box of image 5, which is not in `images`',
        ),
        ([], 'has no boxes'),
        ([dict(image_id=1, category_id=1, bbox=[0, 0, 1, 1])], 'has no `score`'),
        (
            [DETECTION, dict(DETECTION, image_id=[1])],
            r'\[1\]\.image_id is \[1\]; expected',
        ),
        ([dict(DETECTION, image_id=None)], r'image_id is None; expected a number or'),
        ([dict(DETECTION, score=None)], r'score is None; expected a finite number'),
        (
            dict(ANNOTATIONS, annotations=[dict(ANNOTATED, bbox=[10**400, 1, 2, 3])]),
            'bbox of annotation 3 is .1000.*expected x, y, width, height',
        ),
        (
            dict(ANNOTATIONS, annotations=[dict(ANNOTATED, bbox=[None, 1, 2, 3])]),
            'bbox of annotation 3 is .None, 1, 2, 3',
        ),
    ],
)
def test_another_file_is_one_line(write_json, content, message):
    with pytest.raises(UserError, match=message):
        open_boxes(write_json(content))


def test_no_such_boxes(tmp_path):
    with pytest.raises(UserError, match=r'gone\.json cannot be read'):
        open_boxes('gone.json')
    with pytest.raises(UserError, match=r'no published detector.*did you mean rtmdet-'):
        open_boxes('rtmdet-mm')
    (tmp_path / 'boxes.csv').write_text('1')
    with pytest.raises(UserError, match='is a file of another kind'):
        open_boxes(str(tmp_path / 'boxes.csv'))


def test_boxes_that_cannot_be_used_are_counted():
    boxes = np.array(
        [
            [5, 5, 9, 9],
            [5, 5, 5, 9],
            [9, 9, 5, 5],
            [np.nan, 0, 1, 1],
            [0, 0, np.inf, 1],
            [80, 0, 90, 9],
            [-9, -9, 0, 0],
            [-9, -9, 1, 1],
            [-1e9, 0, 1e9, 5],
        ]
    )
    counts = BoxCounts()
    kept = keep_usable(boxes, (80, 60), counts)
    assert np.flatnonzero(kept).tolist() == [0, 7]
    assert (counts.empty, counts.outside) == (5, 2)


def test_boxes_of_arrays(fake):
    image = np.zeros((60, 80, 3), np.uint8)
    people = fake(image, boxes=[[0, 0, 9, 9], [5, 5, 5, 9], [90, 0, 99, 9]])
    assert people.bboxes_px.tolist() == [[0, 0, 9, 9]]
    scored = fake(image, boxes=np.array([[0, 0, 9, 9, 0.5]]))
    assert scored.bbox_scores.tolist() == [0.5]
    assert scored.scores[0] == pytest.approx(0.5 * (0.9 + 0.6) / 2)
    with pytest.raises(ValueError, match=r'boxes have the shape \(1, 3\)'):
        fake(image, boxes=[[1, 2, 3]])
    with pytest.raises(ValueError, match='given for 1 images'):
        fake([image, image], boxes=[[[0, 0, 9, 9]]])


@pytest.mark.slow  # MMDetection's models take seconds to import
def test_a_detector_of_mmdetection_finds_boxes(tmp_path, images):
    """RTMDet with random weights and a low threshold: boxes of the class person."""
    import cv2
    import torch
    from mmdet.apis import init_detector
    from mmengine.registry import DefaultScope

    from gm_pose.inference.models.published_models import find_published

    published = find_published('mmdet', 'rtmdet-t')
    with DefaultScope.overwrite_default_scope('mmdet'):
        model = init_detector(str(published.config), None, palette='coco', device='cpu')
    path = str(tmp_path / 'detector.pth')
    weights = model.state_dict()
    for level in range(3):
        weights[f'bbox_head.rtm_cls.{level}.bias'][:] = -9
        weights[f'bbox_head.rtm_cls.{level}.bias'][0] = 0  # a person everywhere,
        weights[f'bbox_head.rtm_reg.{level}.bias'][:] = 2  # of 4 cells by 4
    torch.save(dict(state_dict=weights), path)
    finder = open_boxes('rtmdet-t', threshold=0.0, weights=path, device='cpu')
    image = cv2.resize(cv2.imread(images[0]), (96, 96))
    found = finder.find(Frame(image, images[0], None, 0))
    assert found.boxes_px.shape[1] == 4
    assert len(found.boxes_px) == len(found.scores) > 0
    assert (np.diff(found.scores) <= 0).all()


def test_a_detector_offline_says_where_to_put_its_weights(tmp_path, monkeypatch):
    import torch

    def fail(*_args, **_kwargs):
        raise OSError('no network')

    monkeypatch.setattr(torch.hub, 'download_url_to_file', fail)
    monkeypatch.setenv('HOME', str(tmp_path))
    monkeypatch.setenv('TORCH_HOME', str(tmp_path))
    with pytest.raises(UserError, match=r'no network.*mim/rtmdet_m.*--box-weights'):
        open_boxes('rtmdet-m', device='cpu')
