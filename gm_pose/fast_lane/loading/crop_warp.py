"""Warping decoded images into the crops of one batch."""

import math

import cv2
import numpy as np
import torch
from torch.utils.data import get_worker_info

from gm_pose.ops.crop_matrices import compose_matrices

__all__ = ['make_batch', 'warp_crop']


def make_batch(count: int, input_size: tuple[int, int]) -> torch.Tensor:
    """Uninitialised crops (count, h, w, 3) uint8.

    In a data loader's worker they lie in shared memory from the start: handing them over
    copies nothing, which is what PyTorch's own collate function does.
    """
    width, height = input_size
    shape = (count, height, width, 3)
    if get_worker_info() is None:
        return torch.empty(shape, dtype=torch.uint8)
    storage = torch.UntypedStorage._new_shared(math.prod(shape), device='cpu')
    return torch.empty(0, dtype=torch.uint8).set_(storage).view(shape)


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
