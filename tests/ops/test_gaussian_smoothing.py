"""Gaussian smoothing against loops in plain Python and against hand-derived values."""

import math

import pytest
import torch

from gm_pose.ops.gaussian_smoothing import make_smoothing_matrix, smooth_gaussian


def integrate_gaussian(distance: int, sigma: float) -> float:
    """Mass of a centred Gaussian in the cell `distance` cells away."""
    scale = sigma * math.sqrt(2)
    return 0.5 * (
        math.erf((distance + 0.5) / scale) - math.erf((distance - 0.5) / scale)
    )


def smooth_slowly(image: list[list[float]], sigma: float, truncate: float):
    """Reference: 2-D convolution by four loops, normalised over the cells on the map."""
    height, width = len(image), len(image[0])
    radius = math.ceil(truncate * sigma)
    output = [[0.0] * width for _ in range(height)]
    for i in range(height):
        for j in range(width):
            total = mass = 0.0
            for u in range(max(0, i - radius), min(height, i + radius + 1)):
                for v in range(max(0, j - radius), min(width, j + radius + 1)):
                    weight = integrate_gaussian(abs(i - u), sigma)
                    weight *= integrate_gaussian(abs(j - v), sigma)
                    total += weight * image[u][v]
                    mass += weight
            output[i][j] = total / mass
    return output


@pytest.mark.parametrize('shape', [(8, 6), (1, 5), (7, 1), (1, 1), (13, 9)])
@pytest.mark.parametrize('sigma', [0.15, 0.6, 1.49, 3.0])
def test_smooth_gaussian_equals_the_loop_reference(shape, sigma):
    torch.manual_seed(0)
    x = torch.randn(2, 3, *shape, dtype=torch.float64)
    views = smooth_gaussian(x, torch.tensor([sigma, 0.8], dtype=torch.float64), 3.0)
    assert views.shape == (2, 3, 2, *shape)
    for m, one in enumerate((sigma, 0.8)):
        slow = smooth_slowly(x[1, 2].tolist(), one, 3.0)
        wanted = torch.tensor(slow, dtype=torch.float64)
        # Sums of at most 13 * 9 products of numbers below 5, each rounded to 1.1e-16.
        torch.testing.assert_close(views[1, 2, m], wanted, rtol=0, atol=1e-13)


def test_smooth_gaussian_gives_each_channel_its_own_sigmas():
    torch.manual_seed(0)
    x = torch.randn(2, 3, 8, 6, dtype=torch.float64)
    sigmas = torch.tensor([[0.3, 1.0], [0.5, 2.0], [0.7, 3.0]], dtype=torch.float64)
    views = smooth_gaussian(x, sigmas)
    for c in range(3):
        wanted = smooth_gaussian(x[:, c : c + 1], sigmas[c])
        torch.testing.assert_close(views[:, c : c + 1], wanted, rtol=0, atol=1e-14)


@pytest.mark.parametrize('truncate', [1.0, 2.0, 3.0, 4.0])
@pytest.mark.parametrize('sigma', [0.3, 0.84, 2.2, 7.5])
def test_truncation_error_stays_below_its_bound(truncate, sigma):
    # A row loses a fraction e <= erfc(truncate / sqrt(2)) of its mass and is scaled up
    # again: its entries move by 2 e in total. Two axes: an output moves by <= 4 e max|x|.
    torch.manual_seed(0)
    x = torch.rand(1, 4, 64, 48, dtype=torch.float64) * 2 - 1
    sigmas = torch.tensor([sigma], dtype=torch.float64)
    error = smooth_gaussian(x, sigmas, truncate) - smooth_gaussian(x, sigmas, math.inf)
    assert error.abs().max() <= 4 * math.erfc(truncate / math.sqrt(2))

    exact = make_smoothing_matrix(64, sigmas, math.inf)
    rows = (make_smoothing_matrix(64, sigmas, truncate) - exact).abs().sum(-1)
    assert rows.max() <= 2 * math.erfc(truncate / math.sqrt(2))


def test_kernel_support_follows_sigma():
    sigmas = torch.tensor([0.3, 0.84, 2.0])
    matrix = make_smoothing_matrix(33, sigmas, 4.0)
    support = (matrix[:, 16] != 0).sum(-1)
    assert support.tolist() == [2 * 2 + 1, 2 * 4 + 1, 2 * 8 + 1]


@pytest.mark.parametrize('sigma', [0.6, 1.0, 2.2])
def test_kernel_variance_is_sigma_squared_plus_one_cell(sigma):
    # Gaussian averaged over cells of side 1: variances sigma ** 2 and 1/12 add. That it
    # is sampled again leaves 8 pi^2 s^2 exp(-2 pi^2 s^2) / (2 pi^2 s^2), 2e-3 at 0.6.
    row = make_smoothing_matrix(65, torch.tensor([sigma]).double(), math.inf)[0, 32]
    distance = torch.arange(65).double() - 32
    variance = (row * distance**2).sum().item()
    assert variance == pytest.approx(sigma**2 + 1 / 12, abs=4e-3 if sigma < 1 else 1e-6)


@pytest.mark.parametrize('sigma', [0.05, 0.5, 2.0, 1e6])
def test_constants_are_kept_up_to_the_border(sigma):
    views = smooth_gaussian(torch.full((1, 1, 8, 6), 3.0), torch.tensor([sigma]))
    # Row sums are 1 within (size + 1) roundings of 6e-8, on each of two axes.
    torch.testing.assert_close(views, torch.full_like(views, 3.0), rtol=2e-6, atol=0)


def test_a_tiny_sigma_is_the_identity():
    x = torch.randn(1, 2, 8, 6, generator=torch.Generator().manual_seed(0))
    assert torch.equal(smooth_gaussian(x, torch.tensor([0.05]))[:, :, 0], x)


@pytest.mark.parametrize('sigma', [1e4, 1e20, 3e38, math.inf])
def test_a_sigma_beyond_the_map_averages_it_with_finite_gradients(sigma):
    x = torch.rand(1, 1, 8, 6, generator=torch.Generator().manual_seed(0))
    sigmas = torch.tensor([sigma], requires_grad=True)
    view = smooth_gaussian(x, sigmas)
    assert view.isfinite().all()
    # Weights are differences of erf up to 8 times as large: 16 roundings of 6e-8 an axis.
    torch.testing.assert_close(view[0, 0, 0], x.mean().expand(8, 6), rtol=2e-6, atol=0)
    view.square().sum().backward()
    assert sigmas.grad.isfinite().all()


@pytest.mark.parametrize('per_channel', [False, True])
def test_gradients_of_input_and_sigmas_pass_gradcheck(per_channel):
    torch.manual_seed(0)
    x = torch.randn(2, 2, 5, 4, dtype=torch.float64, requires_grad=True)
    # 3 * sigma is not an integer: the support jumps there and has no derivative.
    sigmas = torch.tensor([0.35, 0.9, 1.7], dtype=torch.float64)
    if per_channel:
        sigmas = torch.stack([sigmas, sigmas * 1.1])
    sigmas.requires_grad_()
    assert torch.autograd.gradcheck(
        lambda x, s: smooth_gaussian(x, s, 3.0), (x, sigmas)
    )


def test_smoothing_commutes_with_flipping():
    x = torch.randn(1, 2, 8, 6, generator=torch.Generator().manual_seed(0))
    sigmas = torch.tensor([0.5, 1.5])
    flipped = smooth_gaussian(x.flip(-1), sigmas).flip(-1)
    torch.testing.assert_close(flipped, smooth_gaussian(x, sigmas), rtol=0, atol=2e-6)


@pytest.mark.parametrize('dtype', [torch.bfloat16, torch.float16])
def test_low_precision_maps_keep_their_type_and_get_float32_kernels(dtype):
    x = torch.rand(1, 2, 8, 6, generator=torch.Generator().manual_seed(0))
    sigmas = torch.tensor([0.5, 1.5])
    view = smooth_gaussian(x.to(dtype), sigmas.to(dtype))
    assert view.dtype == dtype
    # Input, two matrices and two results are rounded by eps / 2; values lie in [0, 1].
    atol = 5 * torch.finfo(dtype).eps
    torch.testing.assert_close(
        view.float(), smooth_gaussian(x, sigmas), rtol=0, atol=atol
    )


def test_errors_name_value_and_remedy():
    x = torch.zeros(1, 3, 4, 4)
    with pytest.raises(
        ValueError, match=r'x must be \(B, C, H, W\), got shape \(4, 4\)'
    ):
        smooth_gaussian(x[0, 0], torch.ones(2))
    with pytest.raises(ValueError, match=r'C = 3 channels, got shape \(2, 2\)'):
        smooth_gaussian(x, torch.ones(2, 2))
    with pytest.raises(ValueError, match=r'truncate must be above 0 .* got -1'):
        smooth_gaussian(x, torch.ones(2), truncate=-1)
