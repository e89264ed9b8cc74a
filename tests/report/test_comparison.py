"""Paired differences of runs, and the sentence about them."""

import re

import numpy as np
import pytest
from report_people import make_truth, predict, read

from gm_pose.report.analysis.comparison import (
    check_same_people,
    compare_joints,
    compare_settings,
    judge,
)
from gm_pose.report.analysis.run_analysis import measure_run
from gm_pose.runs.user_errors import UserError


@pytest.fixture(scope='module')
def measure(tmp_path_factory):
    """measure(noise_px, seed) -> a run on the same 24 people."""

    def run(noise, seed, num_people=24, label=None):
        folder = tmp_path_factory.mktemp('run')
        truth = make_truth(num_people)
        inputs = read(folder, truth, predict(truth, noise, seed))
        measured = measure_run(inputs, num_samples=200)
        if label is not None:
            object.__setattr__(measured.inputs, 'label', label)
        return measured

    return run


def test_a_run_against_itself_differs_by_nothing(measure):
    run = measure(6, 0)
    found = compare_settings([run], [run])
    assert found.ap == (0, 0, 0)
    assert not found.people.any()
    assert judge(found).startswith('No significant difference')


@pytest.mark.parametrize('num_people', [1, 2])
def test_one_image_gives_no_interval_and_no_verdict(measure, num_people):
    runs = [measure(5, 1, num_people), measure(30, 2, num_people, label='noisy')]
    found = compare_settings(runs[:1], runs[1:])
    assert found.ap.value < 0
    if num_people == 1:
        assert np.isnan([found.ap.low, runs[0].ap.low, runs[1].ap.high]).all()
        assert not any(joint.change.excludes_zero for joint in found.joints)
        assert judge(found).startswith('One image shows no difference between settings')
    else:
        assert found.ap.low < found.ap.high


def test_twice_the_noise_is_worse_on_these_people(measure):
    found = compare_settings([measure(5, 1)], [measure(10, 2, label='noisy')])
    assert found.ap.high < 0
    text = judge(found)
    assert text.startswith('noisy is worse than run on these people')
    assert 'at least 2 seeds' in text
    assert all(joint.change.value < 0 for joint in found.joints)
    assert sum(joint.change.excludes_zero for joint in found.joints) > 8
    gained, lost = found.rank_people(5)
    assert len(lost) == 5
    assert found.people[lost[0]] == found.people.min()
    assert all(found.people[gained] > 0)


def test_equal_noise_is_no_difference(measure):
    found = compare_settings([measure(6, 3)], [measure(6, 4)])
    assert judge(found).startswith('No significant difference')
    assert not any(joint.change.excludes_zero for joint in found.joints)
    sides = [[measure(6, seed) for seed in seeds] for seeds in ((3, 5), (4, 6))]
    assert re.search(
        r'over people .* to .*, over seeds .* to ', judge(compare_settings(*sides))
    )


def test_seeds_that_agree_make_it_real(measure):
    good = [measure(5, seed) for seed in range(3)]
    bad = [measure(10, 10 + seed, label='noisy') for seed in range(3)]
    found = compare_settings(good, bad)
    assert found.num_seeds == (3, 3)
    assert found.seeds.mean == pytest.approx(found.ap.value)
    assert judge(found).endswith('The difference is real.')


def test_seeds_that_vary_as_much_do_not(measure):
    first = [measure(5, 1), measure(14, 2)]
    second = [measure(7, 3, label='b'), measure(15, 4, label='b')]
    found = compare_settings(first, second)
    assert found.ap.excludes_zero
    assert judge(found).startswith('Not shown: b is worse')


def test_intervals_of_joints_hold_together():
    """Of joints that do not differ, none is called changed in 19 of 20 comparisons."""
    rng = np.random.default_rng(0)
    images = np.arange(80)
    names = tuple(map(str, range(17)))
    wrong = 0
    for _ in range(100):
        changes = rng.normal(size=(80, 17))
        counts = rng.multinomial(80, np.full(80, 1 / 80), 200)
        joints = compare_joints(changes, images, counts, names)
        wrong += any(joint.change.excludes_zero for joint in joints)
    # 5 of 100 at 95 %; single intervals would be wrong in 58. Three standard deviations
    # above are 12, and 200 samples of 80 people make the intervals a little too narrow.
    assert wrong <= 15


def test_other_people_are_refused(measure):
    with pytest.raises(UserError, match='different people'):
        check_same_people([measure(5, 0), measure(5, 0, num_people=20)])
