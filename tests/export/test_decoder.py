"""Decoding in the graph against the codecs that it stands for."""

import numpy as np
import pytest
import torch
from mmpose.codecs import MSRAHeatmap, RegressionLabel, UDPHeatmap

from gm_pose import JointAdaptiveMSRAHeatmap
from gm_pose.export.codec_settings import read_codec
from gm_pose.export.graph.decoder import Decoder
from gm_pose.runs.user_errors import UserError

SIZES = dict(input_size=(96, 128), heatmap_size=(24, 32))
TABLE = dict(table='set2', mean=1.336)
OURS = [
    dict(sigmas=2.0),
    dict(sigmas=TABLE),
    dict(sigmas=TABLE, unbiased=True),
    dict(sigmas=2.5, unbiased=True),
    dict(sigmas=TABLE, unbiased=True, grid='udp'),
    dict(sigmas=TABLE, unbiased=True, decode_sigmas=dict(oks='coco', mean=3.4)),
    dict(sigmas=1.0, unbiased=True, decode_sigmas=2.0),
]
CODECS = [
    *[JointAdaptiveMSRAHeatmap(**SIZES, **options) for options in OURS],
    MSRAHeatmap(**SIZES, sigma=2),
    MSRAHeatmap(**SIZES, sigma=2, unbiased=True),
    MSRAHeatmap(**SIZES, sigma=1, unbiased=True, blur_kernel_size=7),
    UDPHeatmap(**SIZES, sigma=2),
]


def name_codec(codec: object) -> str:
    # not repr: MMPose's codecs show their address there, another one in each process
    return type(codec).__name__


def make_maps(people: int = 40) -> np.ndarray:
    """Gaussians at places inside, on and beyond the border, noise, and second modes."""
    rng = np.random.default_rng(0)
    codec = JointAdaptiveMSRAHeatmap(**SIZES, sigmas=TABLE, unbiased=True)
    maps = []
    for k in range(people):
        joints = rng.uniform(-2, 98, (2, 1, 17, 2)) * (1, 1.3)
        first, second = (codec.encode(j)['heatmaps'] for j in joints)
        noise = rng.normal(0, 0.02, first.shape)
        maps.append(rng.uniform(0.2, 1) * first + 0.5 * (k % 2) * second + noise)
    return np.array(maps, np.float32)


@pytest.mark.parametrize('codec', CODECS, ids=name_codec)
def test_positions_equal_the_codecs(codec):
    maps = make_maps()
    settings = read_codec(codec)
    cells, scores = Decoder(settings, 17)(torch.from_numpy(maps))
    found = cells.numpy() * settings.cell_px
    pairs = [codec.decode(m) for m in maps]
    expected = np.concatenate([p[0] for p in pairs])
    # float32 sums in another order, divided by a curvature of no less than 1e-2 of the
    # peak: 1e-4 cells. Of 680 joints no two largest cells are that close.
    assert np.abs(found - expected).max() < 1e-3
    np.testing.assert_allclose(
        scores.numpy(), np.concatenate([p[1] for p in pairs]), rtol=0, atol=1e-6
    )


@pytest.mark.parametrize('codec', CODECS[:8], ids=name_codec)
def test_maps_without_a_peak_are_marked_as_the_codec_does(codec):
    maps = np.zeros((3, 17, 32, 24), np.float32)
    maps[1] = -1
    maps[2, :, 4, 5] = np.inf
    settings = read_codec(codec)
    cells, scores = Decoder(settings, 17)(torch.from_numpy(maps))
    assert (cells == -1).all()
    assert (scores <= 0).all()


def test_a_plateau_takes_the_first_cell():
    """Networks in whole numbers have plateaus."""
    maps = np.zeros((1, 17, 32, 24), np.float32)
    maps[:, :, 10:13, 5:8] = 0.5
    codec = CODECS[0]
    settings = read_codec(codec)
    cells, _ = Decoder(settings, 17)(torch.from_numpy(maps))
    assert np.array_equal(cells.numpy() * settings.cell_px, codec.decode(maps[0])[0])


@pytest.mark.parametrize(
    ('codec', 'text'),
    [
        (
            RegressionLabel(input_size=(96, 128)),
            'the codec is RegressionLabel; expected',
        ),
        (UDPHeatmap(**SIZES, heatmap_type='combined'), "heatmap_type='combined'"),
    ],
)
def test_other_codecs_are_refused(codec, text):
    with pytest.raises(UserError, match=text) as caught:
        read_codec(codec)
    assert '--output maps' in str(caught.value)
