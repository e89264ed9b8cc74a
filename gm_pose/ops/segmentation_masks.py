"""COCO segmentations -> masks. Needs pycocotools and OpenCV when called."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray


def draw_mask(
    segmentation: Any, box: Sequence[float]
) -> tuple[NDArray[np.uint8], NDArray[np.int64]] | None:
    """COCO segmentation, box [x, y, w, h] -> mask of the box (h, w), its corner [x, y].

    Polygons and uncompressed or compressed run lengths. The mask begins at the corner,
    outside the box by a px or two. None for an empty one.

    Raises:
        ValueError: run lengths that do not add up to the image.

    Example:
        >>> run_lengths = dict(size=[2, 3], counts=[2, 3, 1])  # columns 00 11 10
        >>> mask, corner = draw_mask(run_lengths, box=[0, 0, 3, 2])
        >>> mask.tolist(), corner.tolist()
        ([[0, 0, 0, 0, 0], [0, 0, 1, 1, 0], [0, 0, 1, 0, 0], [0, 0, 0, 0, 0]], [-1, -1])
    """
    corner = np.floor(np.asarray(box[:2], dtype=np.float64)).astype(np.int64) - 1
    width, height = (np.ceil(np.asarray(box[2:], dtype=np.float64)) + 3).astype(int)
    if isinstance(segmentation, list):
        import cv2

        polygons = [
            np.reshape(p, (-1, 2)) - corner for p in segmentation if len(p) >= 6
        ]
        if not polygons:
            return None
        mask = np.zeros((height, width), np.uint8)
        cv2.fillPoly(mask, [np.round(p).astype(np.int32) for p in polygons], (1,))
        return mask, corner
    if not isinstance(segmentation, dict) or 'counts' not in segmentation:
        return None
    full = _decode_run_lengths(segmentation)
    corner = np.maximum(corner, 0)
    mask = full[corner[1] : corner[1] + height, corner[0] : corner[0] + width]
    return (np.pad(mask, 1), corner - 1) if mask.any() else None


def _decode_run_lengths(segmentation: dict[str, Any]) -> NDArray[np.uint8]:
    """COCO run lengths, compressed or not -> mask (H, W)."""
    from pycocotools import mask

    (height, width), counts = segmentation['size'], segmentation['counts']
    if not isinstance(counts, (str, bytes)):
        if sum(counts) != height * width:  # pycocotools takes the rest as zeros
            raise ValueError(
                f'run lengths of a segmentation add up to {sum(counts)} px; expected '
                f'{height} x {width}. Fix: repair the annotation'
            )
        segmentation = mask.frPyObjects(segmentation, height, width)
    return np.asarray(mask.decode(segmentation))
