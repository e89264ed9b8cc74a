"""MMEngine's histories that grow in place hold what its own hold."""

import copy
import pickle
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mmengine.logging import HistoryBuffer

import gm_pose  # noqa: F401

APPEND = HistoryBuffer.update
COPYING = HistoryBuffer.update.__wrapped__
VALUES = st.one_of(
    st.floats(width=64),
    st.integers(-(2**60), 2**60),
    st.booleans(),
    st.floats().map(np.float64),
)
STEPS = st.one_of(
    st.tuples(VALUES, st.one_of(st.integers(0, 9), st.floats(0, 9))),
    st.sampled_from(['copy', 'deepcopy', 'pickle', 'replace', 'shorter']),
)


def apply(step: Any, buffer: HistoryBuffer, update: Any) -> HistoryBuffer:
    """A step of a test on a buffer -> the buffer that the next one is for."""
    if step == 'copy':  # both may go on from here
        other = copy.copy(buffer)
        update(other, 7.0)
        return buffer
    if step == 'deepcopy':
        return copy.deepcopy(buffer)
    if step == 'pickle':
        return pickle.loads(pickle.dumps(buffer))
    if step == 'replace':
        buffer._log_history = buffer._log_history[:1]
        buffer._count_history = buffer._count_history[:1]
    elif step == 'shorter':
        buffer.max_length = 2
    else:
        update(buffer, *step)
    return buffer


def assert_same(buffer: HistoryBuffer, expected: HistoryBuffer) -> None:
    for own, other in zip(buffer.data, expected.data, strict=True):
        assert own.dtype == other.dtype
        np.testing.assert_array_equal(own, other)


@given(
    steps=st.lists(STEPS, max_size=40),
    start=st.lists(st.floats(width=64), max_size=3),
    most=st.sampled_from([0, 1, 3, 10, 1_000_000]),
)
def test_histories_are_those_of_mmengine(
    steps: list, start: list[float], most: int
) -> None:
    buffer = HistoryBuffer(start, [1] * len(start), max_length=most)
    expected = copy.deepcopy(buffer)
    given_away = []
    for step in steps:
        buffer = apply(step, buffer, APPEND)
        expected = apply(step, expected, COPYING)
        assert_same(buffer, expected)
        given_away.append((buffer.data[0], buffer.data[0].copy()))
    for array, content in given_away:
        np.testing.assert_array_equal(array, content)


def test_a_long_history_is_not_copied_for_each_value() -> None:
    buffer = HistoryBuffer(np.ones(1000), np.ones(1000, int))
    buffer.update(2.0)
    memory = buffer.data[0].base
    for value in range(500):
        buffer.update(float(value))
    assert buffer.data[0].base is memory
    assert buffer.mean(500) == np.mean(range(500))
    assert len(pickle.dumps(buffer)) < 2 * 8 * 1501 + 1000  # no room is saved


@pytest.mark.parametrize('value', ['1', None, np.ones(1)])
def test_what_is_no_number_is_refused_as_by_mmengine(value: Any) -> None:
    with pytest.raises(TypeError, match='log_val must be int or float'):
        HistoryBuffer().update(value)
