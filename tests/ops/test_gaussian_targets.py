"""Targets against loop-written references, MMPose's generators and the formula."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mmpose.codecs.utils import (
    generate_gaussian_heatmaps,
    generate_unbiased_gaussian_heatmaps,
)

from gm_pose.ops.gaussian_patches import draw_rounded, make_patches
from gm_pose.ops.gaussian_targets import (
    compute_balance_weights,
    draw_exact,
    draw_legacy_msra,
    make_exact_grid,
)

# exp(-a) with a rounded twice in float32 (the sum of squares of whole numbers is exact;
# its product with 1 / (2 s^2) is not) and exp itself good to 2 ulp: the error is at most
# a exp(-a) 2^-23 + 2 * 2^-24 <= 0.37 * 1.2e-7 + 1.2e-7 < 2e-7.
ONE_EXP = 2e-7
# Outer product: two factors, each rounded once from float64 (2^-25 of a value <= 1), and
# their product rounded once: 3 * 2^-25 < 1e-7. MMPose's own side: x - mu, its square, the
# sum and the quotient are rounded, relative error 4 * 2^-24 of the exponent a, so an error
# of a exp(-a) 4 * 2^-24 <= 0.9e-7; together below 2e-7.
OUTER_PRODUCT = 2e-7

ALL = np.array([True])

# Of 14 faults put into the code (comparisons off by one, another rounding, another radius)
# each fails within 72 examples of `rounded`, 304 of `exact`, 187 of `msra` and 21 of
# `unbiased`.


def draw_reference(x, y, sigma, size, exact):
    """One map by two loops, from the definition alone; float64."""
    width, height = size
    heatmap = np.zeros((height, width))
    radius = math.floor(3 * sigma)
    cx, cy = (x, y) if exact else (math.floor(x + 0.5), math.floor(y + 0.5))
    for row in range(height):
        for column in range(width):
            dx, dy = column - cx, row - cy
            if exact or (abs(dx) <= radius and abs(dy) <= radius):
                heatmap[row, column] = math.exp(-(dx * dx + dy * dy) / (2 * sigma**2))
    return heatmap


def is_in_reach(x, y, sigma, size, exact):
    """Whether MMPose keeps the weight of a joint: its patch touches the map, or ends
    right before its first column or row."""
    radius = 3 * sigma if exact else math.floor(3 * sigma)
    for center, length in zip((x, y), size, strict=True):
        nearest = center if exact else math.floor(center + 0.5)
        if nearest - radius >= length or nearest + radius + 1 < 0:
            return False
    return True


def place(x, y, sigma, size, draw=draw_rounded, make=make_patches):
    heatmaps, overlaps_map = draw(
        np.array([[x, y]], dtype=np.float64), ALL, make([sigma], size), size
    )
    return heatmaps[0], bool(overlaps_map[0])


sizes = st.tuples(st.integers(1, 12), st.integers(1, 12))
coordinates = st.floats(-15, 27, width=32)
joints = st.lists(
    st.tuples(coordinates, coordinates, st.floats(0.3, 4), st.booleans()),
    min_size=1,
    max_size=3,
)


def unpack(joint_list):
    table = np.array([j[:3] for j in joint_list], dtype=np.float64)
    return table[:, :2], table[:, 2], np.array([j[3] for j in joint_list])


@settings(max_examples=700, deadline=None, derandomize=True)
@given(joints, sizes)
def test_rounded_equals_loops_for_any_joints_and_sizes(joint_list, size):
    centers, sigmas, labelled = unpack(joint_list)
    heatmaps, overlaps_map = draw_rounded(
        centers, labelled, make_patches(sigmas, size), size
    )
    for k, (x, y) in enumerate(centers.tolist()):
        expected = draw_reference(x, y, sigmas[k], size, exact=False) * labelled[k]
        assert np.abs(heatmaps[k] - expected).max() <= ONE_EXP
        assert overlaps_map[k] == (
            labelled[k] and is_in_reach(x, y, sigmas[k], size, False)
        )


@settings(max_examples=1000, deadline=None, derandomize=True)
@given(joints, sizes)
def test_exact_equals_loops_for_any_joints_and_sizes(joint_list, size):
    centers, sigmas, labelled = unpack(joint_list)
    grid = make_exact_grid(sigmas, size)
    heatmaps, overlaps_map = draw_exact(centers, labelled, grid, size)
    for k, (x, y) in enumerate(centers.tolist()):
        reached = labelled[k] and is_in_reach(x, y, sigmas[k], size, True)
        expected = draw_reference(x, y, sigmas[k], size, exact=True) * reached
        assert np.abs(heatmaps[k] - expected).max() <= 1e-7
        assert overlaps_map[k] == reached


@settings(max_examples=700, deadline=None, derandomize=True)
@given(joints, sizes)
def test_msra_equals_mmpose_bit_for_bit(joint_list, size):
    centers, sigmas, labelled = unpack(joint_list)
    centers = centers.astype(np.float32)
    heatmaps, overlaps_map = draw_legacy_msra(centers, labelled, sigmas, size)
    for k in range(len(centers)):
        stock, weights = generate_gaussian_heatmaps(
            size,
            centers[None, k : k + 1],
            labelled[None, k : k + 1] * 1.0,
            float(sigmas[k]),
        )
        np.testing.assert_array_equal(heatmaps[k], stock[0])
        assert overlaps_map[k] == (weights[0, 0] > 0)


@settings(max_examples=400, deadline=None, derandomize=True)
@given(
    st.lists(st.tuples(coordinates, coordinates), min_size=1, max_size=3),
    st.sampled_from([1, 2, 2.0, 3, 3.0, 4.0]),
    sizes,
)
def test_rounded_equals_mmpose_bit_for_bit_at_whole_sigmas(positions, sigma, size):
    """Everywhere but more than half a cell outside the left or top border, where MMPose
    rounds towards zero and so draws one cell too far right or down."""
    centers = np.abs(np.array(positions, dtype=np.float32)) - np.float32(0.5)
    labelled = np.ones(len(centers), dtype=bool)
    ours, overlaps_map = draw_rounded(
        centers, labelled, make_patches([sigma], size), size
    )
    stock, weights = generate_gaussian_heatmaps(
        size, centers[None], labelled[None] * 1.0, sigma
    )
    np.testing.assert_array_equal(ours, stock)
    np.testing.assert_array_equal(overlaps_map, weights[0] > 0)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(
    st.lists(st.tuples(coordinates, coordinates), min_size=1, max_size=3),
    st.floats(0.5, 4),
    sizes,
)
def test_exact_equals_mmpose_unbiased(positions, sigma, size):
    centers = np.array(positions, dtype=np.float32)
    labelled = np.ones(len(centers), dtype=bool)
    ours, overlaps_map = draw_exact(
        centers, labelled, make_exact_grid([sigma], size), size
    )
    stock, weights = generate_unbiased_gaussian_heatmaps(
        size, centers[None], labelled[None] * 1.0, sigma
    )
    # MMPose decides in float32: a joint 3 sigma outside to 1e-5 may fall on either side
    same = overlaps_map == (weights[0] > 0)
    margins = np.stack([centers + 3 * sigma + 1, np.array(size) + 3 * sigma - centers])
    assert (same | (np.abs(margins).min((0, 2)) < 1e-5)).all()
    assert np.abs(ours - stock)[same].max(initial=0) <= OUTER_PRODUCT


@pytest.mark.parametrize('exact', [False, True])
def test_largest_cell_is_the_nearest_for_every_sigma_of_a_grid(exact):
    """Sigma 0.3-6 in steps of 0.05, joints over the map and all along its borders."""
    size, rng = (11, 9), np.random.default_rng(0)
    positions = np.concatenate(
        [
            rng.uniform(-0.49, 1, (40, 2)) * size,
            [
                (x, y)
                for x in (-0.4, 0, 0.4, 5.3, 9.7, 10.4)
                for y in (-0.4, 0, 4.6, 8.4)
            ],
        ]
    ).clip(-0.49, (10.49, 8.49))
    labelled = np.ones(len(positions), dtype=bool)
    nearest = np.floor(positions + 0.5)
    offset = positions - nearest
    for sigma in np.arange(6, 121) * 0.05:
        if exact:
            grid = make_exact_grid([sigma], size)
            heatmaps, _ = draw_exact(positions, labelled, grid, size)
            top = np.exp(-(offset**2).sum(1) / (2 * sigma**2))
        else:
            heatmaps, _ = draw_rounded(
                positions, labelled, make_patches([sigma], size), size
            )
            top = np.ones(len(positions))
        flat = heatmaps.reshape(len(positions), -1)
        rows, columns = np.divmod(flat.argmax(1), size[0])
        np.testing.assert_array_equal(np.stack([columns, rows], 1), nearest)
        np.testing.assert_allclose(flat.max(1), top, atol=ONE_EXP, rtol=0)


def test_rounded_is_symmetric_about_its_cell_at_the_papers_sigmas():
    for sigma in (0.84, 0.85, 0.99, 1.1, 1.32, 1.42, 1.49, 1.7, 1.73, 1.8, 2.2):
        heatmap, _ = place(20.3, 15.8, sigma, (41, 33))
        np.testing.assert_array_equal(heatmap, heatmap[::-1, ::-1])


def test_msra_is_one_cell_up_left_at_sigma_1_1():
    """0 < frac(3.3) < 0.5: the reason for the whole alignment option."""
    heatmaps, _ = draw_legacy_msra(np.array([[20.0, 15.0]]), ALL, [1.1], (48, 64))
    assert divmod(int(heatmaps[0].argmax()), 48) == (14, 19)
    heatmap, _ = place(20.0, 15.0, 1.1, (48, 64))
    assert divmod(int(heatmap.argmax()), 48) == (15, 20)


def test_rounded_outside_left_stands_on_its_own_cell_where_mmpose_truncates():
    """x = -0.9 is nearest to cell -1; int(-0.9 + 0.5) is 0."""
    heatmap, _ = place(-0.9, 5.0, 2.0, (12, 12))
    assert heatmap[5, 0] == pytest.approx(math.exp(-1 / 8), abs=ONE_EXP)
    stock, _ = generate_gaussian_heatmaps(
        (12, 12), np.array([[[-0.9, 5.0]]]), np.ones((1, 1)), 2.0
    )
    assert stock[0, 5, 0] == 1


def test_sigma_below_a_third_of_a_cell_is_one_cell():
    heatmap, _ = place(4.2, 3.7, 0.3, (9, 9))
    assert heatmap[4, 4] == 1
    assert heatmap.sum() == 1


@pytest.mark.parametrize('far', [1e4, 1e9, 1e30, -1e4, -1e30])
@pytest.mark.parametrize(
    ('draw', 'make'), [(draw_rounded, make_patches), (draw_exact, make_exact_grid)]
)
def test_far_joints_draw_nothing(far, draw, make):
    heatmap, overlaps_map = place(far, 3.0, 2.0, (9, 9), draw, make)
    assert not overlaps_map
    assert not heatmap.any()


@pytest.mark.parametrize(
    ('draw', 'make'), [(draw_rounded, make_patches), (draw_exact, make_exact_grid)]
)
def test_nan_of_an_unlabelled_joint_is_not_looked_at(draw, make):
    centers = np.array([[np.nan, np.inf], [3.0, 4.0]])
    size = (9, 9)
    heatmaps, overlaps_map = draw(
        centers, np.array([False, True]), make([2.0, 2.0], size), size
    )
    assert overlaps_map.tolist() == [False, True]
    assert not heatmaps[0].any()
    assert heatmaps[1, 4, 3] == 1


def test_exact_has_no_subnormal_numbers():
    """They would make the outer product a hundred times slower."""
    heatmaps, _ = draw_exact(
        np.array([[3.3, 60.2]]), ALL, make_exact_grid([0.84], (48, 64)), (48, 64)
    )
    positive = heatmaps[heatmaps > 0]
    assert positive.min() >= np.finfo(np.float32).tiny


def test_balance_weights_by_hand():
    """1/s^2 = 1, 1/4; their mean 5/8; so 8/5 and 2/5."""
    weights = compute_balance_weights([1.0, 2.0])
    np.testing.assert_allclose(weights, [1.6, 0.4], rtol=1e-7)


def test_balance_evens_out_target_energy():
    """w s^2 is the same for all; drawn energies follow pi s^2 to 1e-3 where s >= 0.84
    (sampling of exp(-d^2/s^2): 4 exp(-pi^2 s^2) = 0.4 % at 0.84, none above 1)."""
    sigmas = np.array([0.84, 1.1, 1.73, 2.2])
    size = (48, 64)
    centers = np.tile([[24.3, 31.8]], (4, 1))
    heatmaps, _ = draw_exact(
        centers, np.ones(4, dtype=bool), make_exact_grid(sigmas, size), size
    )
    energy = (heatmaps.astype(np.float64) ** 2).sum((1, 2))
    np.testing.assert_allclose(energy, np.pi * sigmas**2, rtol=5e-3)
    balanced = energy * compute_balance_weights(sigmas)
    np.testing.assert_allclose(balanced, balanced.mean(), rtol=5e-3)
    assert compute_balance_weights(sigmas).mean() == pytest.approx(1)
