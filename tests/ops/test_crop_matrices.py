"""Warp matrices of a batch equal MMPose's, one by one."""

import math

import numpy as np
import pytest
from mmpose.datasets.transforms import GetBBoxCenterScale, TopdownAffine
from mmpose.structures.bbox import get_udp_warp_matrix, get_warp_matrix

from gm_pose.ops.crop_matrices import (
    compose_matrices,
    fix_aspect_ratio,
    make_warp_matrices,
    measure_boxes,
    transform_points,
)

SIZE = (192, 256)


def make_boxes(count: int = 200) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    centers = rng.uniform(-50, 900, (count, 2)).astype(np.float32)
    scales = rng.uniform(20, 900, (count, 2)).astype(np.float32)
    rotations = rng.uniform(-180, 180, count).astype(np.float32)
    rotations[:20] = 0
    return centers, fix_aspect_ratio(scales, SIZE), rotations


def test_boxes_and_aspect_ratio_equal_mmpose():
    rng = np.random.default_rng(1)
    boxes = np.sort(rng.uniform(0, 500, (100, 2, 2)), axis=1).reshape(-1, 4)
    boxes = boxes.astype(np.float32)
    centers, scales = measure_boxes(boxes, 1.25)
    fixed = fix_aspect_ratio(scales, SIZE)
    for k, box in enumerate(boxes):
        stock = GetBBoxCenterScale(padding=1.25).transform(dict(bbox=box[None]))
        assert np.array_equal(centers[k], stock['bbox_center'][0])
        assert np.array_equal(scales[k], stock['bbox_scale'][0])
        wanted = TopdownAffine._fix_aspect_ratio(stock['bbox_scale'], 192 / 256)
        assert np.array_equal(fixed[k], wanted[0])


def test_matrices_equal_mmpose():
    centers, scales, rotations = make_boxes()
    found = make_warp_matrices(centers, scales, rotations, SIZE, use_udp=False)
    for k in range(len(centers)):
        wanted = get_warp_matrix(centers[k], scales[k], rotations[k], SIZE)
        assert np.array_equal(found[k], wanted)


def test_udp_matrices_equal_mmpose():
    centers, scales, rotations = make_boxes()
    found = make_warp_matrices(centers, scales, rotations, SIZE, use_udp=True)
    for k in range(len(centers)):
        wanted = get_udp_warp_matrix(centers[k], scales[k], rotations[k], SIZE)
        # With numpy 2 MMPose's sums are in float32: up to 6 roundings of the largest term.
        reach = np.abs(centers[k]).sum() * 255 / scales[k].min() + 256
        assert np.abs(found[k] - wanted).max() <= 6 * 2**-24 * reach
        if np.lib.NumpyVersion(np.__version__) < '2.0.0':
            assert np.array_equal(found[k].astype(np.float32), wanted)


@pytest.mark.parametrize('use_udp', [False, True])
def test_box_fills_the_input(use_udp):
    centers, scales, rotations = make_boxes()
    matrices = make_warp_matrices(centers, scales, rotations, SIZE, use_udp)
    middle = np.array(SIZE) / 2 - (0.5 if use_udp else 0)
    angles = np.deg2rad(rotations.astype(np.float64))
    right = np.stack([np.cos(angles), -np.sin(angles)], 1) * scales[:, :1] / 2
    if not use_udp:  # MMPose turns the other way there
        right[:, 1] *= -1
    points = np.stack([centers, centers + right], 1)
    moved = transform_points(matrices, points)
    # Points of up to 1800 px in float32 (6e-5 px), on boxes of 20 px magnified 13 times.
    assert np.abs(moved[:, 0] - middle).max() < 5e-3
    half = (SIZE[0] - use_udp) / 2
    assert np.abs(moved[:, 1] - middle - [half, 0]).max() < 1e-2


def test_composition_is_one_map_after_the_other():
    rng = np.random.default_rng(2)
    first, second = rng.normal(size=(2, 5, 2, 3))
    points = rng.normal(size=(5, 4, 2))
    found = transform_points(compose_matrices(first, second), points)
    wanted = transform_points(second, transform_points(first, points))
    assert np.allclose(found, wanted, atol=1e-12)


def test_example_by_hand():
    matrices = make_warp_matrices(
        np.float32([[10, 20]]), np.float32([[192, 256]]), np.float32([0]), SIZE, False
    )
    assert np.allclose(matrices[0], [[1, 0, 86], [0, 1, 108]])
    turned = make_warp_matrices(
        np.float32([[0, 0]]), np.float32([[192, 256]]), np.float32([90]), SIZE, False
    )
    assert np.allclose(turned[0], [[0, 1, 96], [-1, 0, 128]], atol=1e-4)
    assert math.isclose(np.linalg.det(turned[0, :, :2]), 1, rel_tol=1e-6)
