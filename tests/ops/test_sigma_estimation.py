"""Tables from annotations: each method recovers sizes that were put in."""

import json
import re

import cv2
import numpy as np
import pytest

from gm_pose.__main__ import main
from gm_pose.ops.repeated_annotations import compute_iou, drop_copies, group_repeats
from gm_pose.ops.segmentation_masks import draw_mask
from gm_pose.ops.sigma_estimation import (
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


def make_people(number, joints=((50, 50), (60, 90)), **kwargs):
    people = [annotate(joints, area=5000.0, **kwargs) for _ in range(number)]
    return [dict(person, image_id=n, id=n) for n, person in enumerate(people)]


def shift(people, px):
    return [
        dict(p, keypoints=[v + px * (n % 3 < 2) for n, v in enumerate(p['keypoints'])])
        for p in people
    ]


MASK = dict(segmentation=[[0, 0, 100, 0, 100, 200, 0, 200]])


def test_auto_takes_the_best_that_the_file_allows():
    def choose(people):
        return measure_joints(people, 2, 'auto', 'person_id')

    assert choose(make_people(6)).method == 'boxes'
    assert choose(make_people(6, **MASK)).method == 'masks'
    people = make_people(10, **MASK)
    assert choose([*people, *shift(people, 3)]).method == 'repeats'
    crowd = make_people(6, iscrowd=1)
    with pytest.raises(ValueError, match='none of 0 annotated people'):
        choose(crowd)


@pytest.mark.parametrize('number', [1, 9])
def test_few_repeats_are_no_evidence(number):
    """Whoever they are: one pair of two people in one box, or nine real repeats."""
    people = make_people(10, **MASK)
    found = measure_joints(
        [*people, *shift(people[:number], 3)], 2, 'auto', 'person_id'
    )
    assert found.method == 'masks'
    assert found.counts.tolist() == [10, 10]  # each person once
    assert found.notes == (
        f'repeats not used: a joint has at most {number} people; 10 are needed',
    )
    alone = measure_joints(
        people + shift(people[:number], 3), 2, 'repeats', 'person_id'
    )
    assert not alone.are_measured.any()


COPIES = {
    'all of it': (lambda p: dict(p), True),
    'another id': (lambda p: dict(p, id=99), True),
    'another box': (lambda p: dict(p, bbox=[0.0, 0.0, 101.0, 200.0]), True),
    'occluded': (
        lambda p: dict(
            p, keypoints=[v if n % 3 < 2 else 1 for n, v in enumerate(p['keypoints'])]
        ),
        True,
    ),
    'rounded': (lambda p: dict(p, keypoints=np.round(p['keypoints']).tolist()), True),
    'cut': (lambda p: dict(p, keypoints=np.trunc(p['keypoints']).tolist()), False),
    'second annotator': (lambda p: shift([p], 1)[0], False),
}


@pytest.mark.parametrize('case', COPIES)
def test_copies_are_no_repeats(case):
    """Rounding moves by up to half a px in x and y; cutting by up to one, as a second
    annotator may."""
    make, is_copy = COPIES[case]
    joints = np.arange(12).reshape(6, 2) * 7.3 + 0.45
    people = make_people(12, joints, **MASK)
    copies = [make(p) for p in people]
    assert [len(drop_copies([p, c])) for p, c in zip(people, copies, strict=True)] == [
        1 if is_copy else 2
    ] * 12
    found = measure_joints([*people, *copies], 6, 'auto', 'person_id')
    assert found.method == ('masks' if is_copy else 'repeats')
    note = 'copies of annotations, which count once: 12'
    assert (note in found.notes) == is_copy


def test_two_people_in_one_box_are_not_repeats():
    """Boxes that are the whole image, two people in each: 40 px apart, 0.57 sqrt(area)."""
    people = make_people(12)
    both = [*people, *shift(people, 40)]
    assert group_repeats(both, 'person_id') == []
    assert measure_joints(both, 2, 'auto', 'person_id').method == 'boxes'
    named = [dict(p, person_id=1) for p in both]
    assert measure_joints(named, 2, 'auto', 'person_id').method == 'repeats'


def test_joint_that_is_never_labelled_does_not_decide_the_method():
    people = make_people(10, ((50, 50), (60, 90), (0, 0)), **MASK)
    for person in people:
        person['keypoints'][8] = 0
    found = measure_joints([*people, *shift(people, 3)], 3, 'auto', 'person_id')
    assert (found.method, found.notes) == ('repeats', ())
    assert found.are_measured.tolist() == [True, True, False]


def write(tmp_path, annotations, names=('nose', 'left_eye', 'right_eye')):
    path = tmp_path / 'ann.json'
    categories = [dict(id=1, name='person', keypoints=list(names))]
    path.write_text(json.dumps(dict(annotations=annotations, categories=categories)))
    return str(path)


def run_command(tmp_path, capsys, people, *arguments, **kwargs):
    code = main(['estimate-sigmas', write(tmp_path, people, **kwargs), *arguments])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


FACE = ((0, 0), (6, 0), (20, 0))


def test_command_prints_a_table_that_the_codec_takes(tmp_path, capsys):
    code, out, _ = run_command(tmp_path, capsys, make_people(6, FACE), '--mean', '1.5')
    assert code == 0
    assert 'method: boxes' in out
    # halves 3, 3, 7 px of sqrt(5000); eyes averaged to 5: 3, 5, 5 over 13 / 3, times 1.5
    assert re.search(r'nose +6 +0\.0424 +0\.0424 - 0\.0424 +1\.0385', out)
    assert 'left and right averaged (1 pair by name), power 1' in out
    assert "sigmas={'nose': 1.038, 'left_eye': 1.731, 'right_eye': 1.731}" in out
    # Sizes 3, 5, 5 scaled to COCO's mean, 0.0669
    assert 'sigmas=[0.046, 0.077, 0.077]' in out
    assert "scaled to the mean of COCO's sigmas (0.067)" in out


def test_sigmas_of_the_metric_are_the_spread_itself_where_it_is_measured(
    tmp_path, capsys
):
    """Two labels 6 px apart in x and y: d^2 = 6^2, size 6 / sqrt(5000) = 0.085."""
    people = make_people(10, FACE)
    code, out, _ = run_command(tmp_path, capsys, [*people, *shift(people, 6)])
    assert code == 0
    assert 'sigmas=[0.085, 0.085, 0.085]' in out
    assert 'spread of repeated annotations, the definition of COCO' in out


def test_command_names_joints_that_were_never_seen(tmp_path, capsys):
    people = make_people(6, FACE)
    for person in people:
        person['keypoints'][8] = 0
    code, out, _ = run_command(tmp_path, capsys, people)
    assert code == 1
    assert "nothing was measured for ['right_eye']" in out
    assert 'averaged' not in out


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (dict(keypoints=[10**400, 2, 2] * 3), 'as joint 0; expected finite numbers'),
        (
            dict(keypoints=[1, 2, 2, float('nan'), 2, 2, 1, 2, 2]),
            r'\[nan, 2, 2\] as joint 1',
        ),
        (dict(image_id=[1]), r'an image_id is \[1\]; expected a number'),
    ],
    ids=['too large', 'NaN', 'list as id'],
)
def test_command_refuses_numbers_that_are_none(tmp_path, capsys, change, message):
    people = make_people(6, FACE)
    people[2].update(change)
    code, out, error = run_command(tmp_path, capsys, people)
    assert (code, out) == (2, '')
    assert re.search(message, error)


def test_command_names_joints_of_too_few_people(tmp_path, capsys):
    people = make_people(6, FACE)
    people[0]['keypoints'][8] = 0
    code, out, _ = run_command(tmp_path, capsys, people)
    assert code == 1
    assert 'no table: fewer than 6 people for right_eye (5)' in out


def test_command_names_joints_that_always_coincide(tmp_path, capsys):
    people = make_people(6, ((0, 0), (0, 0), (20, 0)))
    code, out, _ = run_command(tmp_path, capsys, people)
    assert code == 1
    assert "no table: the size of ['nose', 'left_eye'] is 0" in out


@pytest.mark.parametrize(
    ('names', 'said'),
    [
        (('nose', 'L_Eye', 'R_Eye'), 'left and right averaged (1 pair by name)'),
        (('nose', 'eye_r', 'eye_l'), 'left and right averaged (1 pair by name)'),
        (('1', '2', '3'), 'left and right not averaged: names say no sides'),
        ((), 'left and right not averaged: names say no sides'),
    ],
)
def test_command_says_whether_it_averaged(tmp_path, capsys, names, said):
    _, out, _ = run_command(tmp_path, capsys, make_people(6, FACE), names=names)
    assert said in out
    cells = re.search(r'sigmas=\{.*: (.*), .*: (.*)\}', out)
    assert (cells[1] == cells[2]) == ('not averaged' not in said)


def write_metainfo(path, names, swaps, sigmas=()):
    pairs = zip(names, swaps, strict=True)
    info = {k: dict(name=n, id=k, swap=s) for k, (n, s) in enumerate(pairs)}
    path.write_text(
        f'dataset_info = dict(dataset_name="mine", keypoint_info={info}, '
        f'sigmas={list(sigmas)})'
    )
    return str(path)


@pytest.mark.parametrize('option', ['--metainfo', '--oks'])
def test_swap_of_a_metainfo_file_decides_over_names(tmp_path, capsys, option):
    names = ('nose', 'left_eye', 'right_eye')
    swaps = ('left_eye', 'nose', '')
    path = write_metainfo(tmp_path / 'mine.py', names, swaps, (0.1, 0.1, 0.1))
    people = make_people(6, FACE)
    _, out, _ = run_command(tmp_path, capsys, people, option, path, names=names)
    assert 'left and right averaged (1 pair by swap of mine)' in out
    assert "'nose': 1.385, 'left_eye': 1.385, 'right_eye': 3.231" in out  # 3, 3, 7


def test_metainfo_without_pairs_or_of_other_joints(tmp_path, capsys):
    names = ('nose', 'left_eye', 'right_eye')
    path = write_metainfo(tmp_path / 'mine.py', names, ('', '', ''))
    people = make_people(6, FACE)
    _, out, _ = run_command(tmp_path, capsys, people, '--metainfo', path, names=names)
    assert 'left and right not averaged: swap of mine has no pairs' in out
    code, _, error = run_command(tmp_path, capsys, people, '--metainfo', 'coco')
    assert code == 2
    assert "--metainfo: 'coco' has 17 joints and the annotations have 3" in error


SEGMENTATIONS = {
    'flat': (
        [0, 0, 9, 0, 9, 9],
        'is one list of 6 numbers; expected a list of polygons',
    ),
    'odd': ([[0, 0, 9, 0, 9, 9, 5]], 'has a polygon of 7 numbers; expected pairs'),
    'deep': ([[[0, 0], [9, 0], [9, 9]]], 'has the polygon [[0, 0], [9, 0], [9, 9]]'),
    'text': ('0,0,9,9', "segmentation is '0,0,9,9'; expected polygons or run lengths"),
    'text in it': ([['0', '0', '9', '9']], "has the polygon ['0', '0', '9', '9']"),
    'none in it': ([None], 'has the polygon None'),
    'NaN': ([[0, 0, float('nan'), 0, 9, 9]], 'has the polygon [0, 0, nan, 0, 9, 9]'),
    'huge': ([[0, 0, 1e30, 0, 9, 9]], 'has the polygon [0, 0, 1e+30, 0, 9, 9]'),
    'no size': (
        dict(counts=[9]),
        "have the size None; expected 'size': [height, width]",
    ),
    'one size': (dict(counts=[9], size=[9]), 'have the size [9]'),
    'text size': (dict(counts=[9], size='9x1'), "have the size '9x1'"),
    'negative': (dict(counts=[9], size=[-3, -3]), 'are of -3 x -3 px'),
    'no counts': (dict(size=[3, 3]), 'are None; expected whole numbers or a string'),
    'odd counts': (dict(size=[3, 3], counts=[4, -1, 6]), 'are [4, -1, 6]; expected'),
    'short': (dict(size=[3, 3], counts=[1, 2]), 'add up to 3 px; expected 3 x 3'),
    'garbage': (dict(size=[3, 3], counts='zz!!'), 'run lengths of a segmentation: '),
}


@pytest.mark.parametrize('case', SEGMENTATIONS)
def test_command_names_the_annotation_of_a_segmentation(tmp_path, capsys, case):
    segmentation, message = SEGMENTATIONS[case]
    people = make_people(7, FACE, **MASK)
    people[4].update(segmentation=segmentation, id=4711)
    code, out, error = run_command(tmp_path, capsys, people, '--method', 'masks')
    assert (code, out) == (2, '')
    assert 'annotation 4711: ' in error
    assert message in error
    assert len(error.splitlines()) == 1


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
