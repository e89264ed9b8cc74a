"""Kinds of error and their cost, in cases whose answer is known by hand.

Two people of two joints, left and right, stand in one image: area 10,000 px^2 and OKS sigma
0.1, so that a distance of d px has a similarity of exp(-d^2 / 800): 0.85 at 11.4 px, 0.5 at
23.5 px. Joints stand 100 px apart: with each other's place their similarity is 4e-6.
"""

import numpy as np
import pytest

from gm_pose.report.analysis.error_kinds import (
    KINDS,
    correct_kinds,
    find_error_kinds,
    measure_kind_costs,
)
from gm_pose.report.analysis.evaluation import Evaluation, measure_perfect_joints
from gm_pose.report.analysis.person_errors import measure_people
from gm_pose.report.reading.annotated_data import build_annotated_data
from gm_pose.report.reading.predictions import read_results_list
from gm_pose.runs.evaluation.matched_people import MatchingRules

SIGMAS = np.array([0.1, 0.1, 0.1])
MIRROR = (1, 0, 2)  # left, right, middle
FIRST = np.array([[100.0, 100], [200, 100], [150, 300]])
SECOND = FIRST + np.array([500, 0])


def set_up(first, second=SECOND, scores=(0.9, 0.8)):
    """Predicted joints of both -> evaluation, people, errors, kinds."""

    def flatten(joints):
        return np.column_stack([joints, np.full(len(joints), 2)]).ravel().tolist()

    people = [(1, FIRST), (2, SECOND)]
    content = dict(
        images=[dict(id=7)],
        annotations=[
            dict(
                id=n,
                image_id=7,
                category_id=1,
                keypoints=flatten(joints),
                bbox=[*joints.min(0), 100, 200],
                area=1e4,
            )
            for n, joints in people
        ],
        categories=[dict(id=1)],
    )
    data = build_annotated_data(content, 3, 'here')
    results = [
        dict(
            image_id=7,
            category_id=1,
            keypoints=flatten(joints),
            score=score,
            bbox=[*truth.min(0), 100, 200],
        )
        for joints, truth, score in zip(
            (first, second), (FIRST, SECOND), scores, strict=True
        )
    ]
    predictions = read_results_list(results, 3, 'there')
    errors = measure_people(data, predictions, SIGMAS)
    found = find_error_kinds(data.truth, predictions.people, errors, MIRROR, SIGMAS)
    return (
        Evaluation(data, SIGMAS, MatchingRules()),
        predictions.people,
        errors,
        found,
    )


def name_kinds(found):
    return [[KINDS[kind] for kind in row] for row in found.kinds]


def move(joint, by):
    moved = FIRST.copy()
    moved[joint] += by
    return moved


CASES = {
    'exact': (FIRST, 'good'),
    'within 0.85': (move(0, [11, 0]), 'good'),
    'beyond 0.85': (move(0, [0, 12]), 'jitter'),
    'within 0.5': (move(0, [23, 0]), 'jitter'),
    'beyond 0.5': (move(0, [0, 24]), 'miss'),
    'on the other side': (move(0, [100, 0]), 'inversion'),
    'near the other side': (move(0, [100, 23]), 'inversion'),
    'not near the other side': (move(0, [100, 24]), 'miss'),
    "on the neighbour's": (move(0, [500, 0]), 'swap'),
    "on the neighbour's other side": (move(0, [600, 0]), 'swap'),
    "on another joint of one's own": (move(0, [50, 200]), 'miss'),
}


@pytest.mark.parametrize('name', CASES)
def test_kind_of_a_single_error(name):
    first, kind = CASES[name]
    *_, found = set_up(first)
    assert name_kinds(found)[0] == [kind, 'good', 'good']
    assert name_kinds(found)[1] == ['good'] * 3


def test_joint_without_a_side_is_no_inversion():
    # on the right joint: the middle one has no other side
    *_, found = set_up(move(2, [50, -200]))
    assert name_kinds(found)[0] == ['good', 'good', 'miss']


def test_counts_are_by_joint():
    *_, found = set_up(move(0, [0, 12]))
    assert found.count().tolist() == [[1, 1, 0, 0, 0], [2, 0, 0, 0, 0], [2, 0, 0, 0, 0]]


@pytest.mark.parametrize(
    ('by', 'kind', 'similarity'),
    [
        ([0, 12], 'jitter', 0.85),
        ([0, 60], 'miss', 0.5),
        ([100, 10], 'inversion', np.exp(-100 / 800)),
        ([500, 10], 'swap', np.exp(-100 / 800)),
    ],
)
def test_correction_goes_to_the_edge_of_the_better_kind(by, kind, similarity):
    evaluation, people, errors, found = set_up(move(0, by))
    truth = evaluation.data.truth
    corrected = correct_kinds(truth, people, errors, found, [kind], SIGMAS)
    distance = np.linalg.norm(corrected.keypoints[0, 0, :2] - FIRST[0])
    # the correction stops 1e-9 of the distance inside
    assert np.exp(-(distance**2) / 800) == pytest.approx(similarity, rel=1e-8)
    untouched = correct_kinds(truth, people, errors, found, [], SIGMAS)
    assert (untouched.keypoints == people.keypoints).all()


def measure(first):
    evaluation, people, errors, found = set_up(first)
    ap = evaluation.measure_ap(people)
    return ap, measure_kind_costs(evaluation, people, errors, found, ap, ap)


def test_cost_of_a_miss():
    # OKS 2/3 of the first person: found at 0.5, 0.55, 0.6, 0.65 of ten thresholds. It has
    # the better score, so at the other six the second person's precision is 1/2, at 51 of
    # 101 recalls. Corrected: OKS (2 + 0.5) / 3 = 0.83, found at 0.7, 0.75, 0.8 besides.
    ap, costs = measure(move(0, [0, 3000]))
    low = 51 / 101 / 2
    assert ap == pytest.approx((4 + 6 * low) / 10, abs=1e-9)
    assert costs.gains['miss'] == pytest.approx(3 * (1 - low) / 10, abs=1e-9)
    assert costs.gains['jitter'] == costs.gains['swap'] == costs.gains['inversion'] == 0
    assert costs.all_gain == pytest.approx(costs.gains['miss'], abs=1e-12)


@pytest.mark.parametrize(('by', 'kind'), [(100, 'inversion'), (500, 'swap')])
def test_cost_of_an_inversion_and_of_a_swap(by, kind):
    # corrected to the exact place: nothing is wrong any more
    ap, costs = measure(move(0, [by, 0]))
    assert ap == pytest.approx((4 + 6 * 51 / 101 / 2) / 10, abs=1e-9)
    assert costs.gains[kind] == pytest.approx(1 - ap, abs=1e-9)
    assert sum(costs.gains.values()) == pytest.approx(costs.gains[kind], abs=1e-12)


def test_cost_of_jitter():
    # all three joints at 20 px: OKS exp(-1/2) = 0.61, found at 0.5, 0.55 and 0.6;
    # corrected 0.85, found at all thresholds up to 0.85
    ap, costs = measure(FIRST + np.array([0, 20]))
    low = 51 / 101 / 2
    assert ap == pytest.approx((3 + 7 * low) / 10, abs=1e-9)
    assert costs.gains['jitter'] == pytest.approx(5 * (1 - low) / 10, abs=1e-9)


def test_person_who_is_hardly_there_has_no_kinds_but_errors():
    # OKS below 0.1 is no detection of this person; the box still tells whose it is
    *_, errors, found = set_up(FIRST + np.array([60, 70]))
    assert errors.oks[0] < 0.1
    assert errors.detection_rows[0] == 0
    assert (found.kinds[0] == -1).all()
    assert errors.offsets_px[0].tolist() == [[60, 70]] * 3


def test_perfect_joint_is_worth_what_it_costs():
    evaluation, people, errors, _ = set_up(move(0, [0, 3000]))
    counts = np.ones((2, 1), np.int64)  # the one image, drawn once in both samples
    perfect, samples = measure_perfect_joints(evaluation, people, errors, counts)
    ap = evaluation.measure_ap(people)
    assert perfect == pytest.approx([1, ap, ap], abs=1e-9)
    np.testing.assert_allclose(samples, [perfect, perfect], atol=1e-9)
