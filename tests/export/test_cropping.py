"""Crops of the graph against OpenCV's, as MMPose's pipeline makes them."""

import cv2
import numpy as np
import pytest
import torch

from gm_pose.export.graph.cropping import crop_people, measure_people
from gm_pose.inference.models.model_settings import CropSettings
from gm_pose.ops.crop_matrices import (
    fix_aspect_ratio,
    make_warp_matrices,
    measure_boxes,
)

SIZE = (96, 128)


def crop_by_opencv(image, boxes, settings):
    centers, sizes = measure_boxes(boxes, settings.padding)
    sizes = fix_aspect_ratio(sizes, settings.input_size)
    still = np.zeros(len(boxes), np.float32)
    matrices = make_warp_matrices(
        centers, sizes, still, settings.input_size, settings.use_udp
    )
    crops = [cv2.warpAffine(image, m, settings.input_size) for m in matrices]
    return np.array(crops), centers, sizes


@pytest.mark.parametrize('use_udp', [False, True])
@pytest.mark.parametrize('rounded', [False, True])
def test_crops_equal_opencvs(use_udp, rounded):
    """Noise shows every step of 1/32 px; boxes reach far outside, and are round numbers."""
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (233, 301, 3), dtype=np.uint8)
    corners = rng.uniform(-60, 280, (60, 2))
    boxes = np.hstack([corners, corners + rng.uniform(1, 300, (60, 2))])
    boxes = (boxes.round() if rounded else boxes).astype(np.float32)
    settings = CropSettings(SIZE, 1.25, use_udp)
    expected, centers, sizes = crop_by_opencv(image, boxes, settings)
    found_centers, found_sizes = measure_people(torch.from_numpy(boxes), settings)
    assert np.array_equal(found_centers.numpy(), centers)
    assert np.array_equal(found_sizes.numpy(), sizes)
    found = crop_people(torch.from_numpy(image), found_centers, found_sizes, settings)
    difference = np.abs(found.numpy() - expected)
    # A position within float64's rounding of a tie may go to the next 1/32 px: a row or a
    # column of one crop, by 1/32 of the range.
    assert (difference > 0).mean() < 1e-3
    assert difference.max() <= 8


@pytest.mark.parametrize(
    'box',
    [(10, 20, 10, 20), (30, 40, 20, 10), (1e7, 1e7, 2e7, 2e7), (-500, 0, -400, 90)],
)
def test_boxes_without_pixels_give_crops_without_nan(box):
    image = torch.full((50, 60, 3), 200, dtype=torch.uint8)
    settings = CropSettings(SIZE, 1.25, False)
    centers, sizes = measure_people(torch.tensor([box], dtype=torch.float32), settings)
    crops = crop_people(image, centers, sizes, settings)
    assert crops.shape == (1, 128, 96, 3)
    assert ((crops >= 0) & (crops <= 200)).all()


def test_no_box_gives_no_crop():
    settings = CropSettings(SIZE, 1.25, False)
    centers, sizes = measure_people(torch.zeros(0, 4), settings)
    image = torch.zeros(5, 5, 3, dtype=torch.uint8)
    assert crop_people(image, centers, sizes, settings).shape == (0, 128, 96, 3)
