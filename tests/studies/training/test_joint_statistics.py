import numpy as np
import pytest

from studies.training.joint_statistics import (
    compute_oks,
    score_people,
    summarize_joints,
)


def test_oks_by_hand():
    # d^2 = 2 area (2 sigma)^2 ln 2 gives one half
    area, sigma = 900.0, 0.1
    distance = np.sqrt(2 * area * (2 * sigma) ** 2 * np.log(2))
    oks = compute_oks(
        np.array([[0.0, distance]]), np.array([area]), np.array([0.1, sigma])
    )
    assert oks == pytest.approx(np.array([[1.0, 0.5]]), rel=1e-12)


def test_mean_oks_equals_xtcocotools_for_one_person():
    pytest.importorskip('xtcocotools')
    from xtcocotools.coco import COCO
    from xtcocotools.cocoeval import COCOeval

    rng = np.random.default_rng(0)
    sigmas = rng.uniform(0.02, 0.1, 17)
    truth = rng.uniform(0, 200, (17, 2))
    predicted = truth + rng.normal(0, 5, (17, 2))
    labelled = rng.uniform(size=17) < 0.7
    area = 8000.0
    flags = np.where(labelled, 2, 0)
    coco = COCO()
    coco.dataset = dict(
        images=[dict(id=1, width=300, height=300)],
        categories=[dict(id=1, name='person')],
        annotations=[
            dict(
                id=1,
                image_id=1,
                category_id=1,
                iscrowd=0,
                bbox=[0, 0, 200, 200],
                area=area,
                num_keypoints=int(labelled.sum()),
                keypoints=np.column_stack([truth, flags]).ravel().tolist(),
            )
        ],
    )
    coco.createIndex()
    keypoints = np.column_stack([predicted, np.ones(17)]).ravel().tolist()
    found = coco.loadRes(
        [dict(image_id=1, category_id=1, score=1.0, keypoints=keypoints)]
    )
    evaluation = COCOeval(coco, found, 'keypoints', sigmas)
    evaluation.params.imgIds = [1]
    evaluation._prepare()
    expected = evaluation.computeOks(1, 1)[0, 0]
    distances = np.linalg.norm(predicted - truth, axis=1)[None]
    oks = compute_oks(distances, np.array([area]), sigmas)[0, labelled].mean()
    # cocoeval adds the float64 spacing at 1 to the area: 3e-20 relative
    assert oks == pytest.approx(expected, rel=1e-12)


def test_offsets_are_signed_and_in_input_px():
    truth = np.zeros((3, 2, 2))
    predicted = truth.copy()
    predicted[:, 0] = [[-4.0, 8.0], [-8.0, 8.0], [100.0, 100.0]]
    labelled = np.array([[True, False], [True, False], [False, False]])
    summary = summarize_joints(
        predicted,
        truth,
        labelled,
        np.full(3, 1e4),
        np.array([[0.5, 0.25]] * 3),
        np.full((3, 2), 0.75),
        np.array([0.1, 0.1]),
    )
    assert summary['mean_offset'] == [[-3.0, 2.0], None]
    assert summary['median_offset'] == [[-3.0, 2.0], None]
    # errors of (-2, 2) and (-4, 2)
    assert summary['median_error'][0] == pytest.approx((8**0.5 + 20**0.5) / 2, abs=1e-4)
    assert summary['count'] == [2, 0]
    assert summary['mean_score'] == [0.75, None]


def test_people_are_scored_by_their_joints_above_the_threshold():
    joints = np.array([[0.5, 0.1, 0.9], [0.1, 0.2, 0.0]])
    np.testing.assert_allclose(score_people(joints), [0.7, 0.0])
