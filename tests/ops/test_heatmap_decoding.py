"""Decoding: MMPose's quarter offset bit for bit, the matched fit within derived bounds."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from mmpose.codecs import MSRAHeatmap

from gm_pose.ops.gaussian_targets import draw_exact, make_exact_grid
from gm_pose.ops.heatmap_blur import make_blur
from gm_pose.ops.heatmap_decoding import decode_heatmaps

SIZE = (48, 64)
CELL_PX = 4.0


def draw(centers, sigmas, size=SIZE):
    labelled = np.ones(len(centers), dtype=bool)
    return draw_exact(
        np.asarray(centers, dtype=np.float64),
        labelled,
        make_exact_grid(sigmas, size),
        size,
    )[0]


def decode(heatmaps, sigmas):
    positions, scores = decode_heatmaps(
        heatmaps[None], None if sigmas is None else np.asarray(sigmas, dtype=np.float64)
    )
    return positions[0], scores[0]


def fit_reference(heatmap, sigma):
    """One map, by loops: two Gauss-Newton steps of weighted least squares from the
    peak cell on the full 3 x 3 normal equations, then the extrapolation."""
    height, width = heatmap.shape
    peak_y, peak_x = divmod(int(heatmap.argmax()), width)
    reach = int(np.ceil(1.5 * sigma))
    left = min(max(peak_x - reach, 0), width - 2 * reach - 1)
    top = min(max(peak_y - reach, 0), height - 2 * reach - 1)
    x, y, steps = 0.0, 0.0, []
    for _ in range(2):
        normal, right = np.zeros((3, 3)), np.zeros(3)
        for row in range(top, top + 2 * reach + 1):
            for column in range(left, left + 2 * reach + 1):
                dx, dy = column - peak_x - x, row - peak_y - y
                square = dx * dx + dy * dy
                template = np.exp(-square / (2 * sigma**2))
                weight = np.exp(-square / (2 * (0.9 * sigma) ** 2))
                value = max(float(heatmap[row, column]), -float(heatmap.max()))
                # derivatives by amplitude, x and y, the last two per unit of amplitude
                basis = template * np.array([1, dx / sigma**2, dy / sigma**2])
                normal += weight * np.outer(basis, basis)
                right += weight * value * basis
        amplitude = (
            right[0] / normal[0, 0]
        )  # of the Gaussian alone, where it stands now
        step = np.zeros(2)
        if amplitude > 0:
            step = np.linalg.solve(normal, right)[1:] / amplitude
        if not steps:
            step = step.clip(-max(sigma, 1), max(sigma, 1))
        steps.append(step)
        x, y = x + step[0], y + step[1]
    bound = min(max(2.5 * sigma - 2, 0), 0.5)
    first, second = steps
    ratio = (second / np.where(first == 0, 1, first)).clip(-bound, bound)
    offset = (first + second / (1 - ratio)).clip(-max(sigma, 1), max(sigma, 1))
    return np.array([peak_x, peak_y]) + offset


@settings(max_examples=300, deadline=None, derandomize=True)
@given(
    st.integers(0, 2**32 - 1),
    st.floats(0.8, 3),
    st.sampled_from([0.0, 0.05, 0.3]),
)
def test_matched_fit_equals_loops_on_noisy_maps(seed, sigma, noise):
    """The batched fit drops the cross terms, which are zero on a rectangle. Equal to
    float32's 1e-7 times the condition of a quotient whose denominator (the amplitude)
    noise may bring down to some percent: 1e-3 cells where it is well above zero."""
    rng = np.random.default_rng(seed)
    heatmap = draw(rng.uniform(0, 1, (1, 2)) * (23, 19), [sigma], (24, 20))[0]
    heatmap = (heatmap + noise * rng.normal(size=heatmap.shape)).astype(np.float32)
    position, score = decode(heatmap[None], [sigma])
    assert score[0] == heatmap.max()
    np.testing.assert_allclose(position[0], fit_reference(heatmap, sigma), atol=1e-3)


@settings(max_examples=1500, deadline=None, derandomize=True)
@given(st.integers(0, 2**32 - 1), st.floats(0.8, 3))
def test_there_and_back_unbiased_within_a_twentieth_px(seed, sigma):
    """The fit's model is the target itself, so two Gauss-Newton steps leave what is
    quadratically small; 0.0125 cells = 0.05 input px is asked for. Interior: the peak
    cell's neighbours are inside the map (2 cells from the border)."""
    rng = np.random.default_rng(seed)
    centers = rng.uniform(2, np.array(SIZE) - 3, (17, 2))
    positions, scores = decode(draw(centers, np.full(17, sigma)), np.full(17, sigma))
    assert np.linalg.norm(positions - centers, axis=1).max() * CELL_PX <= 0.05
    assert (scores > 0.6).all()  # exp(-0.5 / (2 0.8^2)) = 0.68 half a cell off each way


@pytest.mark.parametrize('sigma', [0.8, 0.85, 0.99, 1.1, 1.49, 1.73, 2.0, 2.2, 3.0])
def test_there_and_back_at_all_borders_and_corners(sigma):
    """The window moves inwards; a joint up to half a cell outside is still found, to a
    quarter px: the side beyond the border is missing."""
    along = (-0.5, -0.3, 0.0, 0.4, 20.2)
    width, height = SIZE
    centers = np.array(
        [(x, y) for x in along for y in along]
        + [(width - 1 - x, height - 1 - y) for x in along for y in along]
    )
    positions, _ = decode(draw(centers, np.full(50, sigma)), np.full(50, sigma))
    assert np.abs(positions - centers).max() * CELL_PX <= 0.25


@pytest.mark.parametrize('sigma', [1.5, 2.0, 3.0])
def test_wide_and_narrow_maps_have_no_bias(sigma):
    """A map symmetric about the joint has its fit there, whatever its sigma, but for the
    window, which is symmetric about the peak cell: cut up to 0.5 cells nearer on one side,
    where the weight w g has come down to exp(-2.5) = 8 %. That share of half a cell is
    0.04 cells, below 0.2 px."""
    centers = np.random.default_rng(0).uniform(12, (35, 51), (200, 2))
    for ratio in (0.85, 1.35):
        maps = draw(centers, np.full(200, ratio * sigma)) * np.float32(0.4)
        positions, _ = decode(maps, [sigma])
        assert np.abs(positions - centers).max() * CELL_PX <= 0.2


@settings(max_examples=500, deadline=None, derandomize=True)
@given(
    st.integers(0, 2**32 - 1),
    st.tuples(st.integers(1, 9), st.integers(1, 9)),
    st.sampled_from(['noise', 'ties', 'negative', 'target']),
)
def test_quarter_offset_equals_mmpose_bit_for_bit(seed, size, kind):
    rng = np.random.default_rng(seed)
    shape = (5, size[1], size[0])
    heatmaps = {
        'noise': rng.normal(size=shape),
        'ties': rng.integers(-1, 3, shape) / 2,
        'negative': -rng.random(shape),
        'target': draw(rng.random((5, 2)) * size, np.full(5, 2.0), size),
    }[kind].astype(np.float32)
    codec = MSRAHeatmap((size[0] * 4, size[1] * 4), size, sigma=2.0)
    stock_keypoints, stock_scores = codec.decode(heatmaps)
    positions, scores = decode(heatmaps, None)
    np.testing.assert_array_equal(positions * codec.scale_factor, stock_keypoints[0])
    np.testing.assert_array_equal(scores, stock_scores[0])


DEGENERATE = {
    'zero': 0.0,
    'negative': -0.7,
    'nan': np.nan,
    '+inf': np.inf,
    '-inf': -np.inf,
    'constant': 0.4,
    'tiny': 1e-45,
    'huge': 3e38,
}


@pytest.mark.parametrize('sigmas', [None, [0.8, 3.0]])
@pytest.mark.parametrize('value', DEGENERATE.values(), ids=DEGENERATE.keys())
def test_degenerate_maps_have_a_defined_answer(value, sigmas):
    heatmaps = np.full((2, 64, 48), value, dtype=np.float32)
    with np.errstate(all='raise', under='ignore'):
        positions, scores = decode(heatmaps, sigmas)
    assert np.isfinite(positions).all()
    if value > 0 and np.isfinite(value):
        assert (scores == np.float32(value)).all()
        assert (np.abs(positions) <= 3).all()  # first cell, within the clamp
    else:
        assert (positions == -1).all()
        expected = value if value <= 0 and np.isfinite(value) else 0
        assert (scores == (-np.inf if value == -np.inf else np.float32(expected))).all()


@pytest.mark.parametrize('sigmas', [None, [2.0]])
@pytest.mark.parametrize('bad', [np.nan, np.inf, -np.inf, -1e30])
def test_one_bad_cell_next_to_the_peak(bad, sigmas):
    """NaN and +inf: no prediction. Far below zero: counts as minus the peak at most."""
    heatmaps = draw([[20.3, 30.6]], [2.0])
    heatmaps[0, 31, 22] = bad
    with np.errstate(all='raise', under='ignore'):
        positions, scores = decode(heatmaps, sigmas)
    if np.isnan(bad) or bad > 0:
        assert (positions == -1).all()
        assert scores[0] == 0
    else:
        assert np.abs(positions[0] - [20.3, 30.6]).max() < 1.5
        assert 0.9 < scores[0] <= 1


def test_offset_is_clamped_on_pure_noise():
    rng = np.random.default_rng(0)
    heatmaps = rng.normal(size=(400, 24, 20)).astype(np.float32)
    for sigma in (0.3, 0.8, 2.0, 3.0):
        positions, _ = decode(heatmaps, [sigma])
        rows, columns = np.divmod(heatmaps.reshape(400, -1).argmax(1), 20)
        offset = np.abs(positions - np.stack([columns, rows], 1)).max()
        assert offset <= max(1, sigma) + 1e-5


@pytest.mark.parametrize(
    'dtype', [torch.float64, torch.float32, torch.float16, torch.bfloat16]
)
@pytest.mark.parametrize('sigmas', [None, [0.8, 1.4, 3.0]])
def test_batch_equals_single_maps_for_any_float_dtype(dtype, sigmas):
    """Tensors and arrays, whole batches and single maps: 1e-4 px = 2.5e-5 cells."""
    rng = np.random.default_rng(0)
    maps = rng.normal(size=(4, 3, 64, 48)).astype(np.float32)
    maps += np.stack([4 * draw(rng.random((3, 2)) * SIZE, [2.0]) for _ in range(4)])
    batch = torch.from_numpy(maps).to(dtype)
    sigmas = None if sigmas is None else np.array(sigmas)
    positions, scores = decode_heatmaps(batch, sigmas)
    assert positions.shape == (4, 3, 2)
    assert scores.shape == (4, 3)
    assert positions.dtype == scores.dtype == np.float32
    for b in range(4):
        single = decode_heatmaps(batch[b : b + 1].float().numpy(), sigmas)
        np.testing.assert_allclose(positions[b], single[0][0], atol=2.5e-5)
        np.testing.assert_array_equal(scores[b], single[1][0])


@pytest.mark.parametrize('sigmas', [None, [0.8, 1.4, 3.0]])
def test_torch_path_equals_numpy_path(sigmas, monkeypatch):
    """What runs on a GPU, run on the CPU: a tensor whose device claims not to be 'cpu'."""
    rng = np.random.default_rng(0)
    maps = rng.normal(size=(4, 3, 64, 48)).astype(np.float32)
    maps[0, 0], maps[0, 1, 3, 4], maps[0, 2] = 0, np.nan, -1
    maps[1:] += np.stack([4 * draw(rng.random((3, 2)) * SIZE, [2.0]) for _ in range(3)])
    sigmas = None if sigmas is None else np.array(sigmas)
    expected = decode_heatmaps(maps, sigmas)

    from gm_pose.ops import heatmap_decoding

    monkeypatch.setattr(heatmap_decoding, '_is_on_cpu', lambda tensor: False)
    positions, scores = decode_heatmaps(torch.from_numpy(maps), sigmas)
    np.testing.assert_allclose(positions, expected[0], atol=2.5e-5)
    np.testing.assert_array_equal(scores, expected[1])


@pytest.mark.parametrize('sigmas', [None, [0.8, 1.4, 3.0]])
@pytest.mark.parametrize('read_at', [None, [2.0, 2.0, 3.0]])
def test_tables_are_copied_to_a_device_once(sigmas, read_at, monkeypatch):
    """A GPU is waited for when the positions leave it, and for nothing before."""
    from gm_pose.ops import heatmap_decoding

    blur = None
    if sigmas is not None:
        sigmas = np.array(sigmas)
        if read_at is not None:
            blur = make_blur(sigmas, np.array(read_at), (48, 64))
            sigmas = np.array(read_at)
    maps = torch.rand(2, 3, 64, 48)
    monkeypatch.setattr(heatmap_decoding, '_is_on_cpu', lambda tensor: False)
    expected = decode_heatmaps(maps, sigmas, blur=blur)

    def refuse(*arguments, **options):
        raise AssertionError('a table is copied again')

    for name in ('tensor', 'as_tensor', 'from_numpy'):
        monkeypatch.setattr(torch, name, refuse)
    for found, value in zip(
        decode_heatmaps(maps, sigmas, blur=blur), expected, strict=True
    ):
        np.testing.assert_array_equal(found, value)


@pytest.mark.skipif(not torch.cuda.is_available(), reason='needs a CUDA device')
@pytest.mark.parametrize('dtype', [torch.float32, torch.float16, torch.bfloat16])
@pytest.mark.parametrize('sigmas', [None, [0.8, 1.4, 3.0]])
def test_gpu_equals_cpu(sigmas, dtype):
    rng = np.random.default_rng(0)
    maps = torch.from_numpy(rng.normal(size=(8, 3, 64, 48))).to(dtype)
    sigmas = None if sigmas is None else np.array(sigmas)
    expected = decode_heatmaps(maps, sigmas)
    positions, scores = decode_heatmaps(maps.cuda(), sigmas)
    np.testing.assert_allclose(positions, expected[0], atol=2.5e-5)
    np.testing.assert_array_equal(scores, expected[1])


def test_a_map_smaller_than_the_window_is_decoded():
    positions, _ = decode(draw([[1.2, 0.9]], [3.0], (3, 2)), [3.0])
    np.testing.assert_allclose(positions, [[1.2, 0.9]], atol=0.05)
