import numpy as np

from gm_pose.ops.skeleton import COCO
from studies.analysis.select_sigmas import (
    UNIFORM_VARIANTS,
    average_oks,
    find_common_seeds,
    select_sigmas,
)
from studies.analysis.study_results import StudyResults
from studies.training.result_files import RESULTS, load_results
from studies.variants.tables import FACE1_REST2_5


def make_result(variant, seed, oks):
    joints = dict(mean_oks=(np.array(oks) / 100))
    return dict(
        dataset='studio17',
        variant=variant,
        seed=seed,
        evaluation=dict(select=dict(flip=dict(joints=joints))),
    )


def test_selects_the_largest_sigma_within_the_tolerance_left_and_right_averaged():
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
    assert select_sigmas(oks, (0, 2, 1)) == [2.5, 1.5, 1.5]
    assert select_sigmas(oks, (0, 2, 1), tolerance=0.0) == [1.25, 1.25, 1.25]


def test_average_is_over_the_seeds_that_all_variants_have():
    names = list(UNIFORM_VARIANTS)
    rows = [make_result(name, 0, [60.0 + i]) for i, name in enumerate(names)]
    rows += [make_result(name, 1, [80.0]) for name in names]
    # a further seed of one variant does not count
    rows += [make_result(names[0], 2, [0.0])]
    results = StudyResults(rows, 'studio17')
    assert find_common_seeds(results) == [0, 1]
    np.testing.assert_allclose(
        average_oks(results, [0, 1])[:, 0], [70, 70.5, 71, 71.5, 72]
    )
    np.testing.assert_allclose(average_oks(results, [0])[:, 0], [60, 61, 62, 63, 64])
    assert find_common_seeds(StudyResults([], 'studio17')) == []


def test_the_recommended_table_is_what_the_rule_selects_from_the_results():
    results = StudyResults(load_results(RESULTS), 'studio17')
    selected = select_sigmas(average_oks(results, [0]), COCO.mirror)
    assert selected == FACE1_REST2_5.sigmas
