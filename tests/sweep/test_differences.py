import numpy as np
import pytest
from measured import draw_counts, make_fixed, make_run
from scipy import stats

from gm_pose.sweep.differences import compare_candidates


def test_difference_is_paired_by_seed():
    own = {0: make_fixed(61), 1: make_fixed(72), 7: make_fixed(99)}
    others = {0: make_fixed(60), 1: make_fixed(70), 2: make_fixed(1)}
    found = compare_candidates(own, others)
    assert found.seeds == (0, 1)
    assert found.mean == pytest.approx(1.5)
    # differences 1 and 2: s / sqrt(2) = 0.5, and t(0.975, 1) = 12.7
    assert found.trainings.high == pytest.approx(1.5 + 12.706 * 0.5, abs=1e-3)
    assert compare_candidates({5: make_fixed(1)}, others) is None


def test_interval_over_both_is_satterthwaites():
    # people: standard deviation 2 of the difference; seeds: s / sqrt(3) of (1, 2, 3)
    own = {s: make_fixed(61 + s, spread=2.0) for s in range(3)}
    others = {s: make_fixed(60.0) for s in range(3)}
    found = compare_candidates(own, others)
    people, seeds = 4.0, 1 / 3
    freedom = (people + seeds) ** 2 / (people**2 / 49 + seeds**2 / 2)
    half = stats.t.ppf(0.975, freedom) * np.sqrt(people + seeds)
    assert found.both.high - found.mean == pytest.approx(half)
    assert found.mean - found.both.low == pytest.approx(half)
    assert (found.people.low, found.people.high) == pytest.approx((0, 4))


def test_one_seed_says_nothing_about_other_trainings():
    found = compare_candidates({0: make_fixed(70)}, {0: make_fixed(60)})
    assert found.people.excludes_zero
    assert found.trainings is None
    assert not found.is_real


def test_equal_runs_do_not_differ():
    runs = {s: make_fixed(60.0, spread=1.0) for s in range(2)}
    found = compare_candidates(runs, runs)
    assert found.mean == 0
    assert not found.is_real
    assert not found.both.excludes_zero


@pytest.mark.parametrize(('seed_spread', 'num_seeds'), [(0.1, 3), (0.01, 3), (0.1, 5)])
def test_interval_covers_the_truth(seed_spread, num_seeds):
    """True difference 0; people, seeds and the two together vary.

    95 % of the intervals should hold it. Of 400, the binomial's standard deviation is
    1.1 %: below 92 % would be a fault. What person and seed do together counts twice, so
    more than 95 % is expected.
    """
    rng = np.random.default_rng(0)
    held, num_people = 0, 60
    for _ in range(400):
        counts = draw_counts(rng, num_people, 150)
        person = rng.normal(0, 0.3, num_people)
        own, others = {}, {}
        for seed in range(num_seeds):
            both = rng.normal(0, 0.1, num_people)
            change = rng.normal(0, seed_spread)
            own[seed] = make_run(0.6 + person + change + both, counts)
            others[seed] = make_run(np.full(num_people, 0.6), counts)
        found = compare_candidates(own, others)
        held += not found.both.excludes_zero
    assert held / 400 > 0.92
