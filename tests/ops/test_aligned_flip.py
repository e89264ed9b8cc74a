"""Mirroring a picture so that its heatmaps fit, without MMPose."""

import pytest
import torch

from gm_pose.ops.aligned_flip import mirror_aligned


def test_a_row_worked_by_hand():
    row = torch.tensor([1.0, 2, 3, 4, 5]).expand(1, 1, 2, 5)
    assert mirror_aligned(row, 1)[0, 0, 0].tolist() == [5, 4, 3, 2, 1]
    assert mirror_aligned(row, 3)[0, 0, 1].tolist() == [3, 2, 1, 1, 1]


@pytest.mark.parametrize('stride', [1, 2, 3, 4, 8])
def test_sampling_at_the_stride_commutes_with_it(stride):
    """Cell c of the moved picture is px s c of it: the original's s (W - 1 - c)."""
    pictures = torch.randn(2, 3, 6, 6 * stride)
    maps = mirror_aligned(pictures, stride)[..., ::stride]
    assert torch.equal(maps.flip(-1), pictures[..., ::stride])


def test_rows_stay_where_they_are():
    pictures = torch.arange(6.0).reshape(1, 1, 6, 1).expand(1, 1, 6, 8)
    assert torch.equal(mirror_aligned(pictures, 4), pictures)


@pytest.mark.parametrize('stride', [0, -2, 6])
def test_unusable_strides_are_refused(stride):
    with pytest.raises(ValueError, match=rf'between 1 and .* 5 px, got {stride}'):
        mirror_aligned(torch.zeros(1, 1, 2, 5), stride)
