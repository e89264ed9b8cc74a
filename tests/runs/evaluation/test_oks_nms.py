"""OKS NMS on all images keeps what MMPose's keeps in each."""

import numpy as np
import pytest
from mmpose.evaluation.functional import oks_nms

from gm_pose.runs.evaluation.oks_nms import keep_by_oks


def draw(rng, num_keypoints, dtype, score_digits):
    """People of 40 images: some alone, some near others, some twice."""
    counts = rng.integers(1, 60, 40)
    counts[::4] = 1
    groups = np.repeat(np.arange(40), counts)
    centers = rng.uniform(0, 300, (len(groups), 1, 2)) + rng.uniform(
        0, 80, (len(groups), num_keypoints, 2)
    )
    copied = np.flatnonzero(np.diff(groups) == 0)[::2]
    noise = rng.choice([0.0, 1.0, 4.0, 12.0], (len(copied), 1, 1))
    centers[copied + 1] = centers[copied] + noise * rng.normal(
        size=(len(copied), num_keypoints, 2)
    )
    scores = rng.random(len(groups)).round(score_digits)
    areas = rng.uniform(500, 9000, len(groups))
    return groups, *(a.astype(dtype) for a in (centers, scores, areas))


@pytest.mark.parametrize('dtype', [np.float32, np.float64])
@pytest.mark.parametrize('num_keypoints', [1, 5, 17, 133])
@pytest.mark.parametrize('threshold', [0.0, 0.3, 0.9, 1.0])
def test_rows_and_their_order_equal_mmposes(dtype, num_keypoints, threshold):
    rng = np.random.default_rng(num_keypoints)
    groups, keypoints, scores, areas = draw(rng, num_keypoints, dtype, score_digits=1)
    sigmas = rng.uniform(0.02, 0.12, num_keypoints).astype(dtype)
    expected = []
    for group in np.unique(groups):
        rows = np.flatnonzero(groups == group)
        people = [
            {
                'keypoints': np.append(
                    keypoints[r], np.ones((num_keypoints, 1), dtype), 1
                ),
                'score': scores[r],
                'area': areas[r],
            }
            for r in rows
        ]
        expected += rows[oks_nms(people, threshold, sigmas=sigmas)].tolist()
    kept = keep_by_oks(keypoints, scores, areas, groups, threshold, sigmas)
    assert kept.tolist() == expected
    if threshold == 0.9:
        assert 40 < len(kept) < len(groups)  # some are dropped


def test_no_people_at_all():
    empty = np.zeros((0, 17, 2))
    kept = keep_by_oks(empty, *np.zeros((2, 0)), np.zeros(0, int), 0.9, np.ones(17))
    assert kept.tolist() == []
