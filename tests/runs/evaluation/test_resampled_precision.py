"""AP of images drawn anew equals the evaluation of a data set with copies of the images."""

import numpy as np
import pytest
from generated_people import generate_people

from gm_pose.runs.evaluation.average_precision import compute_precision
from gm_pose.runs.evaluation.coco_people import read_detected_people, read_true_people
from gm_pose.runs.evaluation.matched_people import MatchingRules, match_people
from gm_pose.runs.evaluation.resampled_precision import (
    draw_image_counts,
    resample_precision,
)

SIGMAS = np.full(5, 0.07)
RULES = MatchingRules()


@pytest.fixture(scope='module')
def people():
    generated = generate_people(160, num_keypoints=5)
    results = generated.list_results()
    rng = np.random.default_rng(3)
    for result in results:
        result['area'] = result['bbox'][2] * result['bbox'][3]
        # no ties: copies of equal scores have no order of their own in the copied set
        result['score'] = rng.random()
    truth = read_true_people(generated.truth['annotations'], 5)
    images = np.array([image['id'] for image in generated.truth['images']])
    return truth, read_detected_people(results, 5), images


def copy_images(people, images, counts):
    """People of each image as often as it counts, every copy an image of its own."""
    rows, ids = [], []
    for number, image in enumerate(np.sort(images)):
        members = np.flatnonzero(people.image_ids == image)
        for copy in range(counts[number]):
            rows += members.tolist()
            ids += [number * 1000 + copy] * len(members)
    taken = people.take(np.array(rows, int))
    return type(people)(np.array(ids), *list(vars(taken).values())[1:])


@pytest.mark.parametrize('area', [0, 1, 2])
def test_equals_evaluation_of_copied_images(people, area):
    truth, detections, images = people
    matched = match_people(truth, detections, SIGMAS, images, np.array([1, 2]), RULES)
    counts = draw_image_counts(len(images), 8, seed=5)
    found = resample_precision(matched, counts, RULES, area)
    for sample, value in zip(counts, found, strict=True):
        wanted = compute_precision(
            copy_images(truth, images, sample),
            copy_images(detections, images, sample),
            SIGMAS,
            np.arange(1000 * len(images)),
            np.array([1, 2]),
            RULES,
        ).precision[..., area]
        # 1e-12: sums of at most 1e4 doubles below 1, in another order
        assert value == pytest.approx(wanted[wanted > -1].mean(), abs=1e-12)


def test_each_image_once_gives_the_ap(people):
    truth, detections, images = people
    matched = match_people(truth, detections, SIGMAS, images, np.array([1, 2]), RULES)
    once = np.ones((1, len(images)), int)
    expected = compute_precision(
        truth, detections, SIGMAS, images, np.array([1, 2]), RULES
    ).summarize(RULES.thresholds)
    assert resample_precision(matched, once, RULES)[0] == pytest.approx(
        expected[0], abs=1e-12
    )


def test_is_nan_where_nobody_is_to_be_found(people):
    truth, detections, images = people
    matched = match_people(truth, detections, SIGMAS, images, np.array([1, 2]), RULES)
    nobody = np.zeros((1, len(images)), int)
    assert np.isnan(resample_precision(matched, nobody, RULES)[0])


def test_is_zero_without_detections(people):
    truth, detections, images = people
    none = detections.take(np.zeros(0, int))
    matched = match_people(truth, none, SIGMAS, images, np.array([1]), RULES)
    once = np.ones((1, len(images)), int)
    assert resample_precision(matched, once, RULES)[0] == 0


def test_counts_add_up_and_repeat():
    counts = draw_image_counts(30, 7, seed=2)
    assert counts.shape == (7, 30)
    assert (counts.sum(1) == 30).all()
    assert (counts == draw_image_counts(30, 7, seed=2)).all()
    assert (counts != draw_image_counts(30, 7, seed=3)).any()
