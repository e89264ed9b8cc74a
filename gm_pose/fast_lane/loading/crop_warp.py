"""Warping decoded images into the crops of one batch."""

import cv2
import numpy as np

from gm_pose.ops.crop_matrices import compose_matrices

__all__ = ['warp_crop']


def warp_crop(
    pixels: np.ndarray,
    matrix: np.ndarray,
    stored_from_image: np.ndarray | None,
    crop: np.ndarray,
) -> None:
    """Write a crop (h, w, 3), bilinear and black outside the image as `TopdownAffine`.

    Args:
        pixels: (h, w, 3) uint8, the image or what is stored of it.
        matrix: (2, 3), from image px to px of the crop.
        stored_from_image: (2, 3), from image px to those of `pixels`; None where they
            are the same.
        crop: contiguous.
    """
    if stored_from_image is not None:
        image_from_stored = cv2.invertAffineTransform(stored_from_image)
        matrix = compose_matrices(np.asarray(image_from_stored), matrix)
    size = crop.shape[1::-1]
    warped = cv2.warpAffine(pixels, matrix, size, dst=crop, flags=cv2.INTER_LINEAR)
    if warped is not crop:  # OpenCV makes a new array where `dst` does not fit
        raise ValueError(
            f'pixels are {pixels.shape} {pixels.dtype}; expected (h, w, 3) uint8'
        )
