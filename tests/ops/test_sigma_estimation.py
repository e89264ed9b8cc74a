"""Tables from annotations: each method recovers sizes that were put in."""

import json
import re

import cv2
import numpy as np
import pytest

from gm_pose.__main__ import main
from gm_pose.ops.segmentation_masks import draw_mask
from gm_pose.ops.sigma_estimation import (
    compute_iou,
    group_repeats,
    measure_boxes,
    measure_joints,
    measure_masks,
    measure_repeats,
)


def annotate(joints, visible=2, **kwargs):
    joints = np.asarray(joints, dtype=float)
    triples = np.concatenate([joints, np.full((len(joints), 1), visible)], 1)
    box = [0.0, 0.0, 100.0, 200.0]
    return dict(image_id=1, bbox=box, keypoints=triples.ravel().tolist(), **kwargs)


def test_repeats_recover_the_spread():
    """d^2 has mean 2 (s sqrt(area))^2 for a spread of s sqrt(area) in x and in y: size
    sqrt(2) s. 3000 people x 2 annotations: relative error 1 / sqrt(2 * 6000) = 0.9 %, four
    of it allowed."""
    rng = np.random.default_rng(0)
    spread, area = np.array([0.02, 0.08]), 10000.0
    people = []
    for person in range(3000):
        truth = rng.uniform(0, 300, (2, 2))
        for _ in range(2):
            joints = truth + rng.normal(size=(2, 2)) * spread[:, None] * area**0.5
            people.append(annotate(joints, area=area, person_id=person))
    found = measure_repeats(group_repeats(people, 'person_id'), 2)
    assert found.counts.tolist() == [3000, 3000]
    np.testing.assert_allclose(found.sizes, 2**0.5 * spread, rtol=0.036)


def test_repeats_are_found_by_box_where_there_is_no_person_id():
    one, same, other = (annotate([[1, 1]], area=1.0) for _ in range(3))
    same['bbox'] = [1.0, 0.0, 100.0, 200.0]  # IoU 99 / 101
    other['bbox'] = [50.0, 0.0, 100.0, 200.0]
    assert compute_iou(one['bbox'], same['bbox']) == pytest.approx(99 / 101)
    assert compute_iou([0, 0, 0, 0], [0, 0, 0, 0]) == 0
    assert group_repeats([one, other, same], 'person_id') == [[one, same]]
    elsewhere = dict(same, image_id=2)
    assert group_repeats([one, elsewhere], 'person_id') == []


def test_masks_measure_the_disc_around_each_joint():
    """A square of 100 px with a bar of 20 px on top: half widths 50 and 10 px; a pixel of
    rounding, area 100^2 + 20 * 100."""
    area = 12000.0
    polygon = [50, 100, 150, 100, 150, 200, 50, 200, 50, 100]
    bar = [90, 0, 110, 0, 110, 100, 90, 100]
    person = annotate([[100, 150], [100, 50], [10, 10]], area=area)
    person.update(segmentation=[polygon, bar], bbox=[50.0, 0.0, 100.0, 200.0])
    found = measure_masks([person], 3)
    assert found.counts.tolist() == [1, 1, 0]
    np.testing.assert_allclose(found.sizes[:2] * area**0.5, [50, 10], atol=1.5)
    assert np.isnan(found.sizes[2])
    occluded = dict(person, keypoints=[100, 150, 1, 100, 50, 1, 10, 10, 0])
    assert measure_masks([occluded], 3).counts.sum() == 0


@pytest.mark.parametrize('compressed', [False, True])
def test_run_lengths_give_the_same_mask_as_polygons(compressed):
    full = np.zeros((60, 50), np.uint8)
    polygon = np.array([[10, 5], [40, 12], [30, 50], [12, 44]])
    cv2.fillPoly(full, [polygon.astype(np.int32)], 1)
    box = [10.0, 5.0, 30.0, 45.0]
    if compressed:
        from pycocotools import mask as run_lengths

        segmentation = run_lengths.encode(np.asfortranarray(full))
    else:
        column = full.T.ravel()
        edges = np.flatnonzero(np.diff(column)) + 1
        bounds = np.concatenate([[0], edges, [column.size]])
        segmentation = dict(size=[60, 50], counts=np.diff(bounds).tolist())
    mask, corner = draw_mask(segmentation, box)
    other, other_corner = draw_mask([polygon.ravel().tolist()], box)
    placed = [np.zeros((90, 90), np.uint8) for _ in range(2)]
    for canvas, m, (x, y) in zip(
        placed, (mask, other), (corner, other_corner), strict=True
    ):
        canvas[y + 9 : y + 9 + m.shape[0], x + 9 : x + 9 + m.shape[1]] = m
    np.testing.assert_array_equal(*placed)


@pytest.mark.parametrize('counts', [[3, 2], [3, 2, 100]])
def test_run_lengths_of_another_image_are_refused(counts):
    with pytest.raises(
        ValueError, match=rf'add up to {sum(counts)} px; expected 3 x 4'
    ):
        draw_mask(dict(size=[3, 4], counts=counts), [0, 0, 4, 3])


def test_boxes_measure_half_the_way_to_the_next_joint():
    """Joints at 0, 6 and 20 px; no area: 0.53 * 100 * 200."""
    person = annotate([[0, 0], [6, 0], [20, 0], [9, 9]])
    person['keypoints'][11] = 0  # the last joint is not annotated
    found = measure_boxes([person], 4)
    np.testing.assert_allclose(found.sizes[:3] * 10600**0.5, [3, 3, 7])
    assert found.counts.tolist() == [1, 1, 1, 0]


def test_auto_takes_the_best_that_the_file_allows():
    person = annotate([[50, 50], [60, 90]], area=5000.0)
    masked = dict(person, segmentation=[[0, 0, 100, 0, 100, 200, 0, 200]])
    assert measure_joints([person], 2, 'auto', 'person_id').method == 'boxes'
    assert measure_joints([masked], 2, 'auto', 'person_id').method == 'masks'
    assert measure_joints([person, person], 2, 'auto', 'person_id').method == 'repeats'
    crowd = dict(masked, iscrowd=1)
    with pytest.raises(ValueError, match='none of 0 annotated people'):
        measure_joints([crowd], 2, 'auto', 'person_id')


def write(tmp_path, annotations, names=('nose', 'left_eye', 'right_eye')):
    path = tmp_path / 'ann.json'
    categories = [dict(id=1, name='person', keypoints=list(names))]
    path.write_text(json.dumps(dict(annotations=annotations, categories=categories)))
    return str(path)


def test_command_prints_a_table_that_the_codec_takes(tmp_path, capsys):
    path = write(tmp_path, [annotate([[0, 0], [6, 0], [20, 0]])])
    assert main(['estimate-sigmas', path, '--mean', '1.5']) == 0
    out = capsys.readouterr().out
    assert 'method: boxes' in out
    # halves 3, 3, 7 px; eyes averaged to 5: 3, 5, 5 over their mean 13 / 3, times 1.5
    assert re.search(r'nose +1 +0\.0291 +1\.0385', out)
    assert "sigmas={'nose': 1.038, 'left_eye': 1.731, 'right_eye': 1.731}" in out


def test_command_names_joints_that_were_never_seen(tmp_path, capsys):
    person = annotate([[0, 0], [6, 0], [20, 0]])
    person['keypoints'][8] = 0
    assert main(['estimate-sigmas', write(tmp_path, [person])]) == 1
    assert "nothing was measured for ['right_eye']" in capsys.readouterr().out


@pytest.mark.parametrize(
    ('content', 'message'),
    [
        (None, 'ann.json cannot be read: No such file'),
        ('{', 'ann.json ends in the middle (truncated)'),
        ('{]}', 'ann.json is no JSON'),
        ('[]', 'has no annotations'),
        ('{"annotations": [{"bbox": [0, 0, 1, 1]}]}', 'no annotation with `keypoints`'),
        ('{"annotations": [{"keypoints": [1, 2]}]}', 'keypoints has 2 numbers'),
    ],
)
def test_command_says_what_is_wrong_with_a_file(tmp_path, capsys, content, message):
    path = tmp_path / 'ann.json'
    if content is not None:
        path.write_text(content)
    assert main(['estimate-sigmas', str(path)]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert len(error.splitlines()) == 1


def test_command_needs_a_file(capsys):
    with pytest.raises(SystemExit):
        main(['estimate-sigmas'])
    assert 'required: annotations' in capsys.readouterr().err
