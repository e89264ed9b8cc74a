"""Intervals cover what they are of as often as they say."""

import numpy as np
import pytest

from gm_pose.ops.size_intervals import find_median_interval, find_root_mean_interval

RUNS = 2000


@pytest.mark.parametrize('number', [6, 10, 41, 1500])
def test_median_is_covered(number):
    """At least 95 % by construction; four standard errors of 2000 runs are 2 %."""
    rng = np.random.default_rng(0)
    truth = np.log(2)  # of the exponential distribution
    hits = 0
    for _ in range(RUNS):
        low, high = find_median_interval(rng.exponential(size=number))
        hits += low <= truth <= high
    assert hits / RUNS >= 0.95 - 0.02


def test_median_of_few_has_no_interval():
    for number in range(6):
        assert np.isnan(find_median_interval([1.0] * number)).all()


@pytest.mark.parametrize(('number', 'expected'), [(10, 0.928), (100, 0.945)])
def test_root_mean_square_is_covered(number, expected):
    """d^2 of two annotators is exponential, where a t interval of the logarithm is a
    little narrow for 10 people. Expected is what 40,000 runs gave; four standard errors
    of 2000 runs are 2.3 %."""
    rng = np.random.default_rng(0)
    hits = 0
    for _ in range(RUNS):
        low, high = find_root_mean_interval(rng.exponential(size=number))
        hits += low <= 1 <= high
    assert hits / RUNS == pytest.approx(expected, abs=0.023)


def test_root_mean_square_of_ten_is_known_within_a_third():
    """The reason for MIN_PEOPLE['repeats']."""
    rng = np.random.default_rng(0)
    draws = [find_root_mean_interval(rng.exponential(size=10)) for _ in range(RUNS)]
    low, high = np.median(draws, axis=0)
    assert (low, high) == pytest.approx((0.70, 1.34), abs=0.05)


@pytest.mark.parametrize('squares', [[], [1.0], [0.0, 0.0]])
def test_root_mean_square_of_nothing_has_no_interval(squares):
    assert np.isnan(find_root_mean_interval(squares)).all()
