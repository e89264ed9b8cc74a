"""The codec allocates its output and little else; tracemalloc sees what numpy takes."""

import tracemalloc

import numpy as np
import pytest
import torch

from gm_pose.codecs import JointAdaptiveMSRAHeatmap

SIZES = dict(input_size=(192, 256), heatmap_size=(48, 64))
CELLS = 48 * 64


def measure_peak(function) -> int:
    """Bytes that a call holds at most beyond what was held before; the second call's."""
    function()  # fills the tables that are kept for all calls
    tracemalloc.start()
    try:
        function()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize('num_joints', [17, 133])
@pytest.mark.parametrize('unbiased', [False, True])
def test_encoding_takes_its_output_and_a_quarter_of_it(unbiased, num_joints):
    """Biased: the patches, 13 x 13 of 48 x 64 cells, cut out before they are pasted, 6 %.
    Unbiased: beside the output live the exponents, W + H float64 a joint (7 %), and
    their exponentials in float32 (4 %)."""
    codec = JointAdaptiveMSRAHeatmap(**SIZES, sigmas=2.0, unbiased=unbiased)
    rng = np.random.default_rng(0)
    joints = rng.uniform(20, 170, (1, num_joints, 2)).astype(np.float32)
    output = 4 * CELLS * num_joints
    peak = measure_peak(lambda: codec.encode(joints))
    assert output < peak < 1.25 * output + 10_000  # Python's own objects


@pytest.mark.parametrize('unbiased', [False, True])
def test_decoding_takes_a_tenth_of_its_input(unbiased):
    """At sigma 2 the fit cuts out 7 x 7 of 48 x 64 cells, 1.6 %, and holds eight arrays
    of 2 x 7 numbers a map, 3.6 %; a copy of the maps would be 100 %."""
    codec = JointAdaptiveMSRAHeatmap(**SIZES, sigmas=2.0, unbiased=unbiased)
    maps = torch.rand(64, 17, 64, 48, generator=torch.Generator().manual_seed(0))
    peak = measure_peak(lambda: codec.batch_decode(maps))
    assert peak < 0.1 * maps.nbytes
