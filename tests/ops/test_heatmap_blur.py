"""Maps of Gaussians of one sigma, read at a larger one."""

from math import pi, sqrt

import numpy as np
import pytest
import torch
from scipy.integrate import quad
from scipy.stats import norm

from gm_pose.ops.heatmap_blur import blur_heatmaps, make_blur, make_kernels
from gm_pose.ops.heatmap_decoding import decode_heatmaps

SIZE = (48, 64)


def draw_gaussian(x, y, sigma):
    """One map (H, W) with its peak of 1 at (x, y) cells."""
    columns, rows = np.arange(SIZE[0]), np.arange(SIZE[1])[:, None]
    square = (columns - x) ** 2 + (rows - y) ** 2
    return np.exp(-square / (2 * sigma**2)).astype(np.float32)


def blur_to(maps, sigmas, decode_sigmas):
    blur = make_blur(np.array(sigmas, float), np.array(decode_sigmas, float), SIZE)
    return blur_heatmaps(np.asarray(maps, np.float32), blur)


def compute_folding_error(sigma, larger):
    """Largest error per axis of a blurred Gaussian with a peak of 1.

    Of the spectrum S(w) = s sqrt(2 pi) exp(-(s w)^2 / 2) the samples show what lies above
    pi at w - 2 pi, where it is damped by exp(-v (w - 2 pi)^2 / 2) and not, as it
    should, by exp(-v w^2 / 2). All phases together, both sides, times the amplitude d / s.
    """
    variance = larger**2 - sigma**2

    def integrand(w):
        spectrum = sigma * sqrt(2 * pi) * np.exp(-((sigma * w) ** 2) / 2)
        folded = np.exp(-variance * (w - 2 * pi) ** 2 / 2)
        return spectrum * abs(folded - np.exp(-variance * w**2 / 2))

    return larger / sigma * 2 * quad(integrand, pi, 3 * pi)[0] / (2 * pi)


@pytest.mark.parametrize('variance', [0.02, 0.44, 3.0, 20.0])
def test_kernel_is_the_inverse_transform_of_the_cut_gaussian(variance):
    kernel = make_kernels(48, np.array([variance]))[0]
    for distance in (0, 1, 2, 7, 47):
        expected = quad(
            lambda w, n=distance: np.exp(-variance * w * w / 2) * np.cos(n * w) / pi,
            0,
            pi,
            limit=500,
        )[0]
        # the sum repeats after 1024 cells, where the kernel, whose spectrum ends in a kink
        # of slope v pi exp(-v pi^2 / 2), has fallen to that over pi 1024^2: below 1e-7
        assert kernel[distance] == pytest.approx(expected, abs=2e-7)


def test_factors_are_laid_out_for_blas():
    """numpy multiplies any other layout by its own loops, over twenty times slower."""
    blur = make_blur(np.array([1.0, 2.0]), np.array([2.0, 3.0]), SIZE)
    assert blur.columns.flags.c_contiguous
    assert blur.rows.flags.c_contiguous


@pytest.mark.parametrize(
    ('sigma', 'larger', 'documented'),
    [
        (0.84, 1.2, 1e-3),
        (1.0, 1.05, 3e-4),
        (1.0, 1.2, 2e-4),
        (1.0, 3.0, 1e-6),
        (2.0, 2.1, 1e-6),
        (2.5, 5.0, 1e-6),
    ],
)
def test_a_gaussian_becomes_the_larger_gaussian(sigma, larger, documented):
    rng = np.random.default_rng(0)
    per_axis = compute_folding_error(sigma, larger)
    assert per_axis < documented
    margin = 5 * sigma  # what the borders cut off is below erfc(5 / sqrt(2)) = 6e-7
    for x, y in rng.uniform(margin, np.array(SIZE) - 1 - margin, (5, 2)):
        got = blur_to(draw_gaussian(x, y, sigma)[None, None], [sigma], [larger])[0, 0]
        # the product of two axes with that error each; sums of float32
        bound = per_axis * (2 + per_axis) + 5e-6
        assert np.abs(got - draw_gaussian(x, y, larger)).max() < bound


def test_equals_a_convolution_by_loops():
    rng = np.random.default_rng(1)
    maps = rng.random((2, 3, SIZE[1], SIZE[0]), dtype=np.float32)
    sigmas, larger = np.array([1.0, 2.0, 1.5]), np.array([1.5, 1.0, 4.0])
    got = blur_to(maps, sigmas, larger)
    for k in (0, 2):
        kernel = make_kernels(64, np.array([larger[k] ** 2 - sigmas[k] ** 2]))[0]
        for y, x in ((0, 0), (31, 20), (63, 47), (5, 46)):
            total = 0.0
            for row in range(SIZE[1]):
                for column in range(SIZE[0]):
                    weight = kernel[abs(row - y)] * kernel[abs(column - x)]
                    total += weight * float(maps[1, k, row, column])
            total *= (larger[k] / sigmas[k]) ** 2
            # sums of 112 positive float32 products: 112 * 6e-8 of them
            assert got[1, k, y, x] == pytest.approx(total, rel=1e-5)


def test_a_map_of_a_large_enough_sigma_stays_as_it_is():
    rng = np.random.default_rng(2)
    maps = rng.random((2, 3, SIZE[1], SIZE[0]), dtype=np.float32)
    kept = maps.copy()
    got = blur_to(maps, [1.0, 2.0, 1.5], [1.5, 2.0, 1.0])
    np.testing.assert_array_equal(maps, kept)
    np.testing.assert_array_equal(got[:, 1:], maps[:, 1:])
    assert not np.array_equal(got[:, 0], maps[:, 0])
    assert make_blur(np.array([2.0]), np.array([2.0, 1.0]), SIZE) is None


@pytest.mark.parametrize(('sigmas', 'larger'), [([1.0], [2.0]), ([1.0, 3.0], [2.0])])
def test_torch_equals_numpy(sigmas, larger):
    rng = np.random.default_rng(3)
    maps = rng.random((4, 2, SIZE[1], SIZE[0]), dtype=np.float32)
    blur = make_blur(np.array(sigmas), np.array(larger), SIZE)
    got = blur_heatmaps(torch.from_numpy(maps), blur)
    assert isinstance(got, torch.Tensor)
    np.testing.assert_allclose(got.numpy(), blur_heatmaps(maps, blur), rtol=1e-5)


def test_the_blurred_peak_is_the_guess_of_largest_expected_similarity():
    """A map that a network owes to doubt between three places, and OKS of sigma 3."""
    places, beliefs = (
        np.array([[12.0, 30.0], [30.0, 20.0], [30.0, 24.0]]),
        (0.4, 0.3, 0.3),
    )
    sigma, larger = 1.0, 3.0
    maps = sum(
        belief * draw_gaussian(x, y, sigma)
        for (x, y), belief in zip(places, beliefs, strict=True)
    )[None, None]
    rows, columns = np.mgrid[: SIZE[1], : SIZE[0]]
    expected = sum(
        belief * np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / (2 * larger**2))
        for (x, y), belief in zip(places, beliefs, strict=True)
    )
    blurred = blur_to(maps, [sigma], [larger])
    np.testing.assert_allclose(blurred[0, 0], expected, atol=5e-6)
    # the single most likely place is not the best guess: between the other two is
    assert np.unravel_index(maps[0, 0].argmax(), maps.shape[2:]) == (30, 12)
    assert np.unravel_index(blurred[0, 0].argmax(), maps.shape[2:]) == (22, 30)


@pytest.mark.parametrize(
    ('sigma', 'larger'), [(1.0, 3.0), (2.0, 7.0), (2.5, 3.5), (3.0, 7.3), (5.0, 15.0)]
)
def test_a_joint_at_a_border_is_drawn_inwards_as_documented(sigma, larger):
    """At most to the mean of what is left of its Gaussian."""
    blur = make_blur(np.array([sigma]), np.array([larger]), SIZE)
    for inside in (-1, -0.5, 0, 0.5, 1, 2, 4):
        x = inside * sigma
        maps = draw_gaussian(x, 31.3, sigma)[None, None]
        positions, _ = decode_heatmaps(maps, np.array([larger]), blur=blur)
        bound = norm.pdf(inside) / norm.cdf(inside)
        assert -1e-3 < (positions[0, 0, 0] - x) / sigma < bound + 1e-3


def test_mixed_precision_does_not_reach_the_decoding():
    maps = np.random.default_rng(4).random((2, 2, 64, 48), dtype=np.float32)
    blur = make_blur(np.array([1.0, 3.0]), np.array([2.0]), SIZE)
    expected = blur_heatmaps(torch.from_numpy(maps), blur)
    with torch.autocast('cpu', dtype=torch.bfloat16):
        got = blur_heatmaps(torch.from_numpy(maps), blur)
    assert torch.equal(got, expected)


def test_very_small_sigmas_are_blurred_as_the_fit_takes_them():
    narrow, limit = (
        make_blur(np.array([sigma]), np.array([3.0]), SIZE) for sigma in (0.3, 0.6)
    )
    np.testing.assert_array_equal(narrow.rows, limit.rows)
    assert make_blur(np.array([0.3]), np.array([0.5]), SIZE) is None


def test_a_map_that_is_not_finite_is_no_prediction():
    maps = np.stack([draw_gaussian(20, 20, 1.0)] * 4)[None]
    for joint, value in enumerate((np.nan, np.inf, -np.inf)):
        maps[0, joint, 3, 3] = value
    blur = make_blur(np.array([1.0]), np.array([2.0]), SIZE)
    positions, scores = decode_heatmaps(maps, np.array([2.0]), blur=blur)
    np.testing.assert_array_equal(positions[0, :3], -1)
    np.testing.assert_array_equal(scores[0, :3], 0)
    assert scores[0, 3] == pytest.approx(1, abs=0.005)
