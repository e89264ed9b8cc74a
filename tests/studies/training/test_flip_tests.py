import numpy as np
import pytest
import torch

from gm_pose.codecs import JointAdaptiveMSRAHeatmap
from studies.training.flip_tests import FLIP_TESTS, mirror_aligned, predict_heatmaps

JOINT_X = 40  # far enough from the borders that nothing of the Gaussian is lost


def find_blob(picture):
    """Centroid [x] in px of a picture (h, w) with one blob."""
    return float(
        (picture.sum(0) * torch.arange(picture.shape[1])).sum() / picture.sum()
    )


class DrawTarget:
    """A perfect model: finds the blob in the picture and draws the codec's target."""

    def __init__(self, codec):
        self.codec = codec

    def __call__(self, inputs, data_samples, mode):
        joint = np.array([[[find_blob(inputs[0, 0]), 60.0]]], dtype=np.float32)
        return torch.from_numpy(self.codec.encode(joint)['heatmaps'])[None]


@pytest.mark.parametrize('stride', [1, 2, 4])
def test_only_the_aligned_flip_has_no_bias(stride):
    input_size = (48 * stride, 64 * stride)
    codec = JointAdaptiveMSRAHeatmap(input_size, (48, 64), 2.0, unbiased=True)
    picture = torch.zeros(1, 3, input_size[1], input_size[0])
    x = min(JOINT_X, input_size[0] - 16)
    picture[:, :, 4, x] = 1
    maps = predict_heatmaps(DrawTarget(codec), picture, [0], stride)
    assert set(maps) == set(FLIP_TESTS)
    offsets = {}
    for name, heatmaps in maps.items():
        cells = heatmaps[0, 0].sum(0)
        center = float((cells * torch.arange(48)).sum() / cells.sum())
        offsets[name] = center - x / stride
    # the flipped map is (s - 1) / s cells too far left; the mean has half of that
    half = (stride - 1) / stride / 2
    assert offsets['plain'] == pytest.approx(0, abs=1e-4)
    assert offsets['flip'] == pytest.approx(0, abs=1e-4)
    assert offsets['flip_shift0'] == pytest.approx(-half, abs=1e-4)
    assert offsets['flip_shift1'] == pytest.approx(0.5 - half, abs=1e-4)


def test_mirror_aligned_moves_left_and_repeats_the_border():
    row = torch.tensor([1.0, 2, 3, 4, 5]).expand(1, 1, 2, 5)
    assert mirror_aligned(row, 1)[0, 0, 0].tolist() == [5, 4, 3, 2, 1]
    assert mirror_aligned(row, 3)[0, 0, 1].tolist() == [3, 2, 1, 1, 1]
