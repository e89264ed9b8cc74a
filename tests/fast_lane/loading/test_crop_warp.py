"""Warping into a batch, from an image and from what is stored of it."""

import cv2
import numpy as np
import pytest
import torch

from gm_pose.fast_lane.loading.crop_warp import warp_crop
from gm_pose.fast_lane.loading.shared_batches import make_batch

# Turns, magnifies and moves; about the middle of a 300 x 200 image.
MATRIX = np.array([[0.9, -0.4, 10.3], [0.35, 1.1, -40.7]])


@pytest.fixture
def image():
    noise = np.random.default_rng(0).integers(0, 256, (200, 300, 3), dtype=np.uint8)
    return cv2.GaussianBlur(noise, None, 2)


@pytest.fixture
def crops():
    batch = make_batch(2, (192, 256))
    assert batch.shape == (2, 256, 192, 3)
    assert batch.dtype == torch.uint8
    return batch.fill_(7).numpy()


def test_crop_is_opencvs_and_its_neighbour_is_left_alone(image, crops):
    warp_crop(image, MATRIX, None, crops[1])
    assert np.array_equal(crops[1], cv2.warpAffine(image, MATRIX, (192, 256)))
    assert (crops[0] == 7).all()


def test_part_of_an_image_gives_the_same_crop_where_it_reaches(image, crops):
    moved = np.array([[1.0, 0, -16], [0, 1, -8]])
    warp_crop(np.ascontiguousarray(image[8:, 16:]), MATRIX, moved, crops[0])
    warp_crop(image, MATRIX, None, crops[1])
    # Where all four neighbours of a place are within the part, a pixel further in.
    reach = np.zeros(image.shape[:2], np.uint8)
    reach[10:, 18:] = 255
    inside = cv2.warpAffine(reach, MATRIX, (192, 256)) == 255
    assert inside.mean() > 0.3
    assert np.array_equal(crops[0][inside], crops[1][inside])


def test_smaller_image_gives_a_similar_crop(image, crops):
    # Pixel centers: a place x in the image is (x + 0.5) / 2 - 0.5 in one of half the size.
    half = np.array([[0.5, 0, -0.25], [0, 0.5, -0.25]])
    small = cv2.resize(image, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    warp_crop(small, MATRIX, half, crops[0])
    warp_crop(image, MATRIX, None, crops[1])
    middle = np.s_[100:150, 60:130]
    errors = [
        np.abs(
            np.roll(crops[0], shift, 1)[middle].astype(int) - crops[1][middle]
        ).mean()
        for shift in (-1, 0, 1)
    ]
    assert errors[1] < 0.7 * min(errors[0], errors[2])


@pytest.mark.parametrize(
    'change', [lambda x: x[..., 0], lambda x: x.astype(np.float32)]
)
def test_pixels_of_another_kind_are_refused(image, crops, change):
    with pytest.raises(
        ValueError, match=r'pixels are \(200, 300.*expected \(h, w, 3\) uint8'
    ):
        warp_crop(np.ascontiguousarray(change(image)), MATRIX, None, crops[0])
