"""Px per heatmap cell on MMPose's two grids, against its codecs."""

import numpy as np
import pytest
from mmpose.codecs import MSRAHeatmap, UDPHeatmap

from gm_pose.ops.grids import compute_cell_sizes, require_size

SIZES = ((192, 256), (48, 64))


def test_stride_is_mmposes_msra_scale_bit_for_bit():
    sizes = compute_cell_sizes('stride', *SIZES)
    for got in sizes:
        np.testing.assert_array_equal(got, MSRAHeatmap(*SIZES, sigma=2).scale_factor)
        assert got.dtype == np.float32


def test_udp_is_mmposes_udp_scale_and_what_it_decodes_by():
    sizes = compute_cell_sizes('udp', *SIZES)
    np.testing.assert_array_equal(sizes.encode_px, UDPHeatmap(*SIZES).scale_factor)
    # UDPHeatmap.decode: keypoints / [W - 1, H - 1] * input_size; one float32 rounding
    np.testing.assert_allclose(sizes.decode_px, [192 / 47, 256 / 63], rtol=2**-24)


@pytest.mark.parametrize('size', [(48, 0), (48,), (48, 64, 3), (-1, 2), (1.5, 2)])
def test_sizes_that_are_none_are_refused(size):
    with pytest.raises(ValueError, match=r'heatmap_size is .* two whole numbers > 0'):
        require_size(size, 'heatmap_size')
    assert require_size([48.0, 64], 'heatmap_size') == (48, 64)
