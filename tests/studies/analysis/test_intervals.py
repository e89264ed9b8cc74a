import numpy as np
import pandas as pd
import pytest
from scipy import stats

from studies.analysis.intervals import (
    Interval,
    compare_paired,
    compute_interval,
    format_interval,
)


def test_interval_equals_scipy_t_interval():
    values = np.random.default_rng(0).normal(70, 2, 5)
    expected = stats.ttest_1samp(values, 0).confidence_interval(0.95)
    interval = compute_interval(pd.Series(values))
    assert interval.mean - interval.half_width == pytest.approx(expected.low, rel=1e-12)
    assert interval.mean + interval.half_width == pytest.approx(
        expected.high, rel=1e-12
    )


def test_paired_interval_equals_scipy_paired_test():
    rng = np.random.default_rng(1)
    first, second = rng.normal(74, 1, 4), rng.normal(73, 1, 4)
    expected = stats.ttest_rel(first, second).confidence_interval(0.95)
    interval = compare_paired(pd.Series(first), pd.Series(second))
    assert interval.mean - interval.half_width == pytest.approx(expected.low, rel=1e-12)
    assert interval.mean + interval.half_width == pytest.approx(
        expected.high, rel=1e-12
    )


def test_three_values_by_hand():
    # s = 1, t(0.975, 2) = 4.302653, half-width 4.302653 / sqrt(3)
    interval = compute_interval(pd.Series([1.0, 2.0, 3.0]))
    assert interval.mean == 2.0
    assert interval.half_width == pytest.approx(4.302653 / np.sqrt(3), rel=1e-6)


def test_pairing_uses_common_seeds_only():
    interval = compare_paired(
        pd.Series({0: 5.0, 1: 7.0, 9: 100.0}), pd.Series({0: 4.0, 1: 5.0, 3: -50.0})
    )
    assert (interval.mean, interval.count) == (1.5, 2)
    assert compare_paired(pd.Series({0: 1.0}), pd.Series({1: 1.0})) is None


def test_one_value_has_no_interval_and_proves_nothing():
    interval = compute_interval(pd.Series([3.0]))
    assert interval.half_width is None
    assert interval.sign == ''
    assert format_interval(interval, signed=True) == '+3.0'


@pytest.mark.parametrize('values', [[], [1.0, float('nan')]])
def test_error_text_when_values_are_unusable(values):
    with pytest.raises(ValueError, match='expected finite numbers'):
        compute_interval(pd.Series(values, dtype=float))


@pytest.mark.parametrize(
    ('interval', 'sign'),
    [
        (Interval(1.0, None, 1), ''),
        (Interval(1.0, 0.9, 3), 'above'),
        (Interval(1.0, 1.1, 3), ''),
        (Interval(-1.0, 1.1, 3), ''),
        (Interval(-1.0, 0.9, 3), 'below'),
    ],
)
def test_sign_of_an_interval(interval, sign):
    assert interval.sign == sign
