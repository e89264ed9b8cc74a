"""The benchmarks run, and what they are quoted for holds on a small sample."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

BENCHMARKS = Path(__file__).parents[2] / 'benchmarks'


def load(name):
    spec = importlib.util.spec_from_file_location(name, BENCHMARKS / f'{name}.py')
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_decoding_is_at_least_as_accurate_as_dark_at_each_sigma():
    """Pooled over all kinds of predicted maps, same maps for both. 5 x 170 errors: their
    root mean squares differ by a few percent from sample to sample where the two are
    level (sigma 3: 1.00 in the full table), hence 1.03 there."""
    accuracy = load('codec_accuracy')
    sigmas = (0.84, 1.3, 2.0, 3.0)
    table, found = accuracy.write_tables(10, 1, sigmas)
    ratios = [found[s, 'all'] for s in sigmas]
    assert (np.array(ratios) <= [0.5, 0.7, 0.95, 1.03]).all(), table


@pytest.mark.parametrize('unbiased', [False, True])
def test_encoding_and_decoding_are_several_times_as_fast_as_mmposes(unbiased):
    """A third of what the written table shows: a busy machine must not fail the suite,
    and a loop over joints would."""
    speed = load('codec_speed')
    us = speed.compare_encoding('set2', 17, unbiased, rounds=10)
    assert us['stock'] / us['ours'] > 3
    for state in speed.STATES:
        settings = dict(sigmas='set2', unbiased=unbiased)
        us = speed.compare_decoding(settings, 17, rounds=2, state=state)
        assert us['stock'] / us['ours'] > (10 if unbiased else 3), state
