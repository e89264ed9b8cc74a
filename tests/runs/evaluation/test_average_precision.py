"""Keypoint AP on arrays: xtcocotools' doubles, and numbers derived by hand."""

import copy
import importlib
import json
from pathlib import Path

import numpy as np
import pytest
from generated_people import generate_people

from gm_pose.runs.evaluation.average_precision import (
    SUMMARY,
    MatchingRules,
    compute_precision,
    print_summary,
)
from gm_pose.runs.evaluation.coco_people import read_detected_people, read_true_people
from gm_pose.runs.host import xtcocotools as stand_in

FIXTURE = Path(__file__).parents[1] / 'host' / 'oks_fixture.json'
# Precision is right / (made + spacing(1)), averaged over 1,010 doubles.
EPS = 1e-12
COCO_SIGMAS = [26, 25, 25, 35, 35, 79, 79, 72, 72, 62, 62, 107, 107, 87, 87, 89, 89]


def set_areas(results, with_boxes):
    """What `loadRes` adds."""
    for result in results:
        x, y = result['keypoints'][0::3], result['keypoints'][1::3]
        result['area'] = (max(x) - min(x)) * (max(y) - min(y))
        if with_boxes:
            result['area'] = result['bbox'][2] * result['bbox'][3]
    return results


def evaluate(truth, results, sigmas, use_area=True):
    return compute_precision(
        read_true_people(truth['annotations'], len(sigmas), use_area),
        read_detected_people(results, len(sigmas)),
        np.asarray(sigmas),
        np.array([image['id'] for image in truth['images']]),
        np.array([category['id'] for category in truth['categories']]),
    )


def summarize(found):
    return found.summarize(MatchingRules().thresholds)


@pytest.mark.parametrize(
    ('case', 'truth', 'detections', 'use_area'),
    [
        ('coco', 'coco', 'scored', True),
        ('coco_box_area', 'coco_without_area', 'scored', False),
        ('coco_detections_with_boxes', 'coco', 'boxed', True),
        ('coco_one_score_for_all', 'coco', 'tied', True),
        ('coco_no_detections', 'coco', 'none', True),
    ],
)
def test_numbers_equal_those_recorded_with_xtcocotools(
    case, truth, detections, use_area
):
    fixture = json.loads(FIXTURE.read_text())
    results = set_areas(fixture['detections'][detections], detections == 'boxed')
    sigmas = np.array(COCO_SIGMAS) / 1000
    found = evaluate(fixture['ground_truth'][truth], results, sigmas, use_area)
    assert summarize(found).tolist() == fixture['stats'][case]


@pytest.mark.parametrize(
    ('count', 'num_keypoints', 'with_boxes', 'use_area', 'dtype'),
    [
        (800, 17, True, True, np.float32),
        (800, 14, False, True, np.float64),
        (800, 21, True, False, np.float32),
        (800, 5, False, False, np.float64),
        # OKS of 5,664 pairs with 14 labelled joints: more than are computed at once.
        # benchmarks/evaluation_speed.py compares 100,000 people.
        pytest.param(10_000, 17, True, True, np.float32, marks=pytest.mark.slow),
    ],
)
def test_every_double_equals_xtcocotools(
    count, num_keypoints, with_boxes, use_area, dtype
):
    if not stand_in.has_xtcocotools() or stand_in.is_stand_in_installed():
        pytest.skip('xtcocotools cannot be imported here')
    people = generate_people(count, num_keypoints, seed=num_keypoints)
    results = people.list_results(with_boxes)
    sigmas = np.linspace(0.02, 0.11, num_keypoints).astype(dtype)
    coco = importlib.import_module('xtcocotools.coco').COCO(
        'drawn', ann_data=copy.deepcopy(people.truth)
    )
    evaluator = importlib.import_module('xtcocotools.cocoeval').COCOeval(
        coco, coco.loadRes(copy.deepcopy(results)), 'keypoints', sigmas, use_area
    )
    evaluator.evaluate()
    evaluator.accumulate()
    evaluator.summarize()
    found = evaluate(people.truth, set_areas(results, with_boxes), sigmas, use_area)
    assert summarize(found).tolist() == list(evaluator.stats)
    assert 0.02 < evaluator.stats[0] < 0.98
    for name in ('precision', 'recall', 'scores'):
        expected = evaluator.eval[name][..., 0]
        np.testing.assert_array_equal(getattr(found, name), expected, err_msg=name)


def test_drawn_people_have_what_is_treated_apart():
    """Otherwise the comparison above would prove less than it says."""
    people = generate_people(800)
    annotations = people.truth['annotations']
    assert sum(a['iscrowd'] for a in annotations) > 5
    assert sum(a['num_keypoints'] == 0 for a in annotations) > 10
    areas = {a['area'] for a in annotations}
    assert {32.0**2, 96.0**2, 0.0} <= areas
    images, counts = np.unique(people.image_ids, return_counts=True)
    assert counts.max() > 20
    with_people = {a['image_id'] for a in annotations}
    assert set(images.tolist()) - with_people
    assert with_people - set(images.tolist())
    scores = [r['score'] for r in people.list_results()]
    assert len(set(scores)) < len(scores) - 20
    assert not people.keypoint_scores.any(1).all()
    assert len(
        {tuple(a['keypoints']) for a in annotations if a['num_keypoints']}
    ) < sum(a['num_keypoints'] > 0 for a in annotations)


def make_person(**changes):
    person = {
        'id': 1,
        'image_id': 1,
        'category_id': 1,
        'bbox': [0, 0, 50, 50],
        'area': 2000.0,
        'keypoints': [10, 10, 2, 40, 40, 2],
    }
    return {**person, **changes}


def make_truth(*people):
    return {'images': [{'id': 1}], 'categories': [{'id': 1}], 'annotations': people}


def test_ap_of_one_right_and_one_wrong_detection():
    """The wrong one ranks first: precision is 1/2 at every recall, at all thresholds.

    The person is of medium size, and so is the wrong detection; nobody is large.
    """
    right = make_person(score=0.5)
    wrong = make_person(score=0.9, keypoints=[900, 900, 1, 950, 950, 1])
    found = evaluate(make_truth(make_person()), [wrong, right], [0.1, 0.1])
    expected = [*(0.5, 0.5, 0.5, 0.5, -1), *(1, 1, 1, 1, -1)]
    assert summarize(found) == pytest.approx(expected, abs=EPS)


def test_oks_on_the_threshold_matches():
    """Distance d with d^2 = 2 (2 sigma)^2 area ln 2: an OKS of 1/2, up to rounding.

    A hair nearer matches at 0.5 and at no other threshold; a hair farther at none.
    """
    distance = np.sqrt(2 * 0.2**2 * 2000 * np.log(2))
    for factor, ap in ((1 - 1e-9, 0.1), (1 + 1e-9, 0.0)):
        moved = [10 + distance * factor, 10, 1, 40 + distance * factor, 40, 1]
        detection = make_person(score=1.0, keypoints=moved)
        found = evaluate(make_truth(make_person()), [detection], [0.1, 0.1])
        assert summarize(found)[0] == pytest.approx(ap, abs=1e-12)


def test_crowd_takes_any_number_of_detections_and_none_counts():
    crowd = make_person(id=2, iscrowd=1, keypoints=[110, 10, 2, 140, 40, 2])
    inside = make_person(score=0.9, keypoints=crowd['keypoints'])
    right = make_person(score=0.1)
    found = evaluate(
        make_truth(make_person(), crowd), [inside, inside, right], [0.1] * 2
    )
    assert summarize(found)[0] == pytest.approx(1, abs=EPS)


def test_nan_coordinate_matches_nobody():
    lost = make_person(score=1.0, keypoints=[np.nan, 10, 1, 40, 40, 1])
    found = evaluate(make_truth(make_person()), [lost], [0.1, 0.1])
    assert summarize(found)[0] == 0.0


def test_people_of_other_images_and_categories_are_left_out():
    people = [make_person(score=0.9, image_id=7), make_person(score=0.8, category_id=3)]
    found = evaluate(
        make_truth(make_person()), [*people, make_person(score=0.1)], [0.1] * 2
    )
    assert summarize(found)[0] == pytest.approx(1, abs=EPS)


def test_summary_is_pycocotools_lines(capsys):
    print_summary(np.linspace(0, 0.9, len(SUMMARY)))
    lines = capsys.readouterr().out.splitlines()
    assert lines[1] == (
        ' Average Precision  (AP) @[ IoU=0.50      | area=   all | maxDets= 20 ] =  0.100'
    )
    assert lines[9] == (
        ' Average Recall     (AR) @[ IoU=0.50:0.95 | area= large | maxDets= 20 ] =  0.900'
    )


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        ({'keypoints': [1, 2, 2]}, "'keypoints' of person 1 has 3 numbers; expected 6"),
        ({'image_id': 'a'}, 'image_id is of type <U1; expected integers'),
    ],
)
def test_annotations_that_do_not_fit_are_named(change, message):
    with pytest.raises(ValueError, match=message):
        evaluate(make_truth(make_person(**change)), [], [0.1, 0.1])


def test_missing_area_and_other_sigmas_are_named():
    person = make_person()
    del person['area']
    with pytest.raises(ValueError, match="person 1 has no 'area'"):
        evaluate(make_truth(person), [], [0.1, 0.1])
    truth = read_true_people([make_person()], 2)
    detected = read_detected_people([make_person(score=1.0)], 2)
    with pytest.raises(ValueError, match='and there are 3 sigmas; expected the same'):
        compute_precision(truth, detected, np.ones(3), np.array([1]), np.array([1]))
