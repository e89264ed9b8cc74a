"""Numbers that docs/study.md quotes in words and that no table of it holds."""

import numpy as np
import pytest

from gm_pose.ops.skeleton import COCO
from studies.analysis.study_results import StudyResults
from studies.training.result_files import RESULTS, load_results

TABLE, UNIFORM = 'subcell-face1-rest2-balanced-jw2', 'subcell-uniform2-jw2'


@pytest.fixture(scope='module')
def studio():
    return StudyResults(load_results(RESULTS), 'studio17')


@pytest.fixture(scope='module')
def compare_joints(studio):
    """Two variants -> difference in mean OKS by kind of joint, points, no flip test."""

    def compare(variant, reference):
        oks = 100 * (
            studio.average_joints(variant, 'mean_oks')
            - studio.average_joints(reference, 'mean_oks')
        )
        both = (oks + oks[list(COCO.mirror)]) / 2
        return {
            name.removeprefix('left_'): both[k]
            for k, name in enumerate(COCO.joint_names)
            if COCO.mirror[k] >= k
        }

    return compare


def test_joints_that_gain_and_lose_from_uniform_2_to_1(compare_joints):
    change = compare_joints('subcell-uniform1', 'subcell-uniform2')
    assert round(change['wrist']) == -11
    assert min(change, key=change.get) == 'wrist'
    for name in ('nose', 'eye'):
        assert 2 <= change[name] <= 2.5


def test_joints_that_gain_and_lose_in_the_selected_pair(compare_joints):
    change = compare_joints(TABLE, UNIFORM)
    assert all(2 <= change[name] <= 3.05 for name in ('nose', 'eye'))
    assert all(-0.8 < change[name] < -0.4 for name in ('ear', 'wrist'))


def test_seeds_of_the_lead(studio):
    plain, flip = (
        studio.get_metric(TABLE, 'AP', test=test)
        - studio.get_metric(UNIFORM, 'AP', test=test)
        for test in ('plain', 'flip')
    )
    assert len(plain) == 8
    assert (plain > 0).all()
    assert (flip > 0).sum() == 7
    assert round(plain[:5].mean(), 1) == round(flip[:5].mean(), 1) == 1.0


def test_longer_training_gains_three_to_four_ap(studio):
    longer = StudyResults(load_results(RESULTS), 'studio17-long')
    for test, low, high in (('plain', 3, 4), ('flip', 3.9, 5)):
        for name in longer.runs:
            ap = longer.get_metric(name, 'AP', test=test).mean()
            gain = ap - studio.get_metric(name, 'AP', test=test).mean()
            assert low <= gain <= high, (name, test, gain)


def test_learned_sigmas(studio):
    runs = studio.runs['subcell-uniform2-learned'].values()
    sigmas = np.mean([run['learned_sigmas']['head'] for run in runs], axis=0)
    wrists = [COCO.joint_names.index(f'{side}_wrist') for side in ('left', 'right')]
    assert round(sigmas[wrists].mean(), 1) == 1.6
    assert abs(sigmas[:3].mean() - 1.95) < 0.01  # nose and eyes
    assert sigmas.argmin() in wrists


def test_sigmas_of_the_block_stay_within_a_sixth_of_their_start(studio):
    # the defaults of the block: 0.15 to 1.2 cells; of the head: 0.5, 1, 2
    starts = {'neck.mixture': [0.15, 0.3, 0.6, 1.2], 'head.mixture': [0.5, 1, 2]}
    for name, runs in studio.runs.items():
        for run in runs.values():
            for module, sigmas in run['learned_sigmas'].items():
                if module not in starts or name.endswith('-block-single'):
                    continue
                start = starts[module]
                ratio = np.reshape(sigmas, (-1, len(start))) / np.array(start)
                assert ratio.max() < 7 / 6, name
                assert ratio.min() > 5 / 6, name
