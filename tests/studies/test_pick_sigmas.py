import numpy as np

from gm_pose.ops.skeleton import COCO
from studies.kept_results import RESULTS, load_results
from studies.pick_sigmas import (
    UNIFORM_ARMS,
    average_oks,
    find_common_seeds,
    pick_sigmas,
    render_picks,
)
from studies.report_tables import group_results
from studies.sigma_arms import PICKED


def make_results(oks_by_arm, seed=0):
    return {
        arm: {
            seed: dict(
                evaluation=dict(
                    select=dict(flip=dict(joints=dict(mean_oks=(np.array(oks) / 100))))
                )
            )
        }
        for arm, oks in oks_by_arm.items()
    }


def test_picks_the_widest_sigma_within_the_tolerance_left_and_right_averaged():
    # columns: nose, left eye, right eye
    oks = np.array(
        [
            [80.0, 70.0, 72.0],
            [80.5, 71.0, 71.0],
            # the eyes' mean is 0.5 below the best: just good enough
            [79.9, 70.6, 70.4],
            [79.0, 69.0, 71.8],
            [80.1, 68.0, 69.0],  # the nose is 0.4 below its best
        ]
    )
    assert pick_sigmas(oks, (0, 2, 1)) == [2.5, 1.5, 1.5]
    assert pick_sigmas(oks, (0, 2, 1), tolerance=0.0) == [1.25, 1.25, 1.25]


def test_average_is_over_the_seeds_that_all_arms_have():
    arms = list(UNIFORM_ARMS)
    grouped = make_results({arm: [60.0 + i] for i, arm in enumerate(arms)})
    for arm, runs in make_results({a: [80.0] for a in arms}, 1).items():
        grouped[arm].update(runs)
    # a further seed of one arm does not count
    grouped[arms[0]].update(make_results({arms[0]: [0.0]}, seed=2)[arms[0]])
    assert find_common_seeds(grouped) == [0, 1]
    np.testing.assert_allclose(
        average_oks(grouped, [0, 1])[:, 0], [70, 70.5, 71, 71.5, 72]
    )
    np.testing.assert_allclose(average_oks(grouped, [0])[:, 0], [60, 61, 62, 63, 64])
    assert find_common_seeds({}) == []
    assert 'not finished' in render_picks({}, COCO.joint_names, COCO.mirror)


def test_the_recommended_table_is_what_the_rule_picks_from_the_kept_results():
    grouped = group_results(load_results(RESULTS), 'studio17')
    assert pick_sigmas(average_oks(grouped, [0]), COCO.mirror) == PICKED
