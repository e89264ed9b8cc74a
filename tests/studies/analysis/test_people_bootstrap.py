import numpy as np
import pytest
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from gm_pose.ops.skeleton import COCO as SKELETON
from studies.analysis.people_bootstrap import bootstrap_difference, compute_ap
from studies.training.joint_statistics import compute_person_oks


def make_people(count, seed=0):
    """Joints, guesses, labels, areas and scores of people with an image each."""
    rng = np.random.default_rng(seed)
    truth = rng.uniform(10, 200, (count, 17, 2))
    spread = rng.uniform(1, 12, (count, 1, 1))
    predicted = truth + rng.normal(0, 1, truth.shape) * spread
    labelled = rng.random((count, 17)) < 0.8
    return truth, predicted, labelled, rng.uniform(4e3, 2e4, count), rng.random(count)


def test_ap_and_oks_are_those_of_cocoeval():
    truth, predicted, labelled, areas, scores = make_people(40)
    gt = COCO()
    gt.dataset = dict(
        images=[dict(id=n) for n in range(40)],
        categories=[dict(id=1, name='person')],
        annotations=[
            dict(
                id=n + 1,
                image_id=n,
                category_id=1,
                iscrowd=0,
                bbox=[0, 0, 200, 200],
                area=areas[n],
                num_keypoints=int(labelled[n].sum()),
                keypoints=np.column_stack([truth[n], 2 * labelled[n]]).ravel().tolist(),
            )
            for n in range(40)
        ],
    )
    gt.createIndex()
    found = [
        dict(
            image_id=n,
            category_id=1,
            score=scores[n],
            keypoints=np.column_stack([predicted[n], np.ones(17)]).ravel().tolist(),
        )
        for n in range(40)
    ]
    sigmas = np.asarray(SKELETON.oks_sigmas)
    evaluation = COCOeval(gt, gt.loadRes(found), 'keypoints')
    evaluation.params.kpt_oks_sigmas = sigmas
    evaluation.evaluate()
    evaluation.accumulate()
    evaluation.summarize()
    oks = compute_person_oks(predicted, truth, labelled, areas, sigmas)
    for n in range(40):
        assert oks[n] == pytest.approx(evaluation.ious[n, 1][0, 0], rel=1e-9)
    expected = 100 * evaluation.stats[0]
    assert 10 < expected < 90
    # cocoeval adds 2.2e-16 to each denominator
    assert compute_ap(oks, scores) == pytest.approx(expected, abs=1e-9)


def test_ap_by_hand():
    # the better two thirds come last: precision 0, 1/2, 2/3 at recall 0, 1/3, 2/3
    oks, scores = np.array([0.4, 1.0, 1.0]), np.array([0.9, 0.8, 0.7])
    # recalls 0 to 0.66 find 2/3 ahead, those above nothing
    assert compute_ap(oks, scores) == pytest.approx(100 * 67 / 101 * 2 / 3)
    assert compute_ap(oks, -scores) == pytest.approx(100 * 67 / 101)


def test_bootstrap_is_paired_by_person_and_repeatable():
    _, _, _, _, scores = make_people(50)
    oks = np.random.default_rng(1).uniform(0.4, 1.0, 50)
    people = np.stack([oks, scores])
    assert bootstrap_difference([people], [people], 20) == (0.0, 0.0, 0.0)
    better = np.stack([np.minimum(oks + 0.05, 1), scores])
    mean, low, high = bootstrap_difference([better], [people], 50)
    assert 0 < low < mean < high
    assert bootstrap_difference([better], [people], 50) == (mean, low, high)


def test_interval_is_that_of_percentiles_over_draws_written_as_a_loop():
    people = np.stack([np.linspace(0.4, 1.0, 30), np.linspace(1.0, 0.1, 30)])
    other = np.stack([people[0, ::-1], people[1]])
    rng = np.random.default_rng(0)
    differences = []
    for _ in range(40):
        drawn = rng.integers(0, 30, 30)
        first, second = (compute_ap(*run[:, drawn]) for run in (people, other))
        differences.append(first - second)
    expected = np.percentile(differences, (2.5, 97.5))
    _, low, high = bootstrap_difference([people], [other], 40)
    np.testing.assert_allclose((low, high), expected, rtol=1e-12)


def test_bootstrap_covers_the_true_difference():
    """Of a population of people; 95 % intervals of 30 draws of 60 people each."""
    rng = np.random.default_rng(2)
    oks = rng.uniform(0.3, 1.0, 20000)
    other = np.clip(oks + rng.normal(0.03, 0.1, 20000), 0, 1)
    scores = rng.random(20000)
    truth = compute_ap(other, scores) - compute_ap(oks, scores)
    covered = 0
    for start in range(0, 1800, 60):
        drawn = slice(start, start + 60)
        _, low, high = bootstrap_difference(
            *([np.stack([o[drawn], scores[drawn]])] for o in (other, oks)), 100
        )
        covered += low <= truth <= high
    # 30 of 95 % each: 24 or fewer have probability 3e-3; small samples cover a bit less
    assert covered >= 24
