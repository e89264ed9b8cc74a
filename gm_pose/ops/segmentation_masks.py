"""COCO segmentations -> masks. Needs pycocotools and OpenCV when called."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

MAX_PX = 2**31  # of an image, and of a coordinate


def draw_mask(
    segmentation: Any, box: Sequence[float]
) -> tuple[NDArray[np.uint8], NDArray[np.int64]] | None:
    """COCO segmentation, box [x, y, w, h] -> mask of the box (h, w), its corner [x, y].

    Polygons and uncompressed or compressed run lengths. The mask begins at the corner,
    outside the box by a px or two. None for an empty one.

    Raises:
        ValueError: neither polygons nor run lengths, or run lengths that do not add up to
            the image.

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

        polygons = [p - corner for p in _read_polygons(segmentation) if len(p) >= 3]
        if not polygons:
            return None
        mask = np.zeros((height, width), np.uint8)
        cv2.fillPoly(mask, [np.round(p).astype(np.int32) for p in polygons], (1,))
        return mask, corner
    if not isinstance(segmentation, dict):
        raise ValueError(
            f'segmentation is {_shorten(segmentation)}; expected polygons or run lengths'
        )
    full = _decode_run_lengths(segmentation)
    corner = np.maximum(corner, 0)
    mask = full[corner[1] : corner[1] + height, corner[0] : corner[0] + width]
    return (np.pad(mask, 1), corner - 1) if mask.any() else None


def check_segmentation(segmentation: Any) -> None:
    """Raise the ValueError that `draw_mask` does."""
    if isinstance(segmentation, list):
        _read_polygons(segmentation)
    else:
        draw_mask(segmentation, (0, 0, 1, 1))


def _shorten(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 40 else f'{text[:37]}...'


def _is_number(value: Any) -> bool:
    return (
        isinstance(value, (int, float))
        and not isinstance(value, bool)
        and abs(value) < MAX_PX  # False for NaN
    )


def _read_polygons(segmentation: list) -> list[NDArray[np.float64]]:
    """COCO polygons -> each one's corners (N, 2) in px."""
    if segmentation and all(map(_is_number, segmentation)):
        raise ValueError(
            f'segmentation is one list of {len(segmentation)} numbers; expected a list of '
            'polygons. Fix: put it into another list, [[x, y, ...]]'
        )
    for polygon in segmentation:
        if not isinstance(polygon, list) or not all(map(_is_number, polygon)):
            raise ValueError(
                f'segmentation has the polygon {_shorten(polygon)}; expected finite '
                'numbers [x, y, x, y, ...]'
            )
        if len(polygon) % 2:
            raise ValueError(
                f'segmentation has a polygon of {len(polygon)} numbers; expected pairs '
                'x, y. Fix: repair the annotation'
            )
    return [np.reshape(np.asarray(p, dtype=float), (-1, 2)) for p in segmentation]


def _decode_run_lengths(segmentation: dict[str, Any]) -> NDArray[np.uint8]:
    """COCO run lengths, compressed or not -> mask (H, W)."""
    from pycocotools import mask

    size, counts = segmentation.get('size'), segmentation.get('counts')
    if not isinstance(size, (list, tuple)) or [type(n) for n in size] != [int, int]:
        raise ValueError(
            f'run lengths of a segmentation have the size {_shorten(size)}; expected '
            "'size': [height, width] of the image"
        )
    height, width = size
    if not 0 < height * width < MAX_PX or min(size) < 0:
        raise ValueError(f'run lengths of a segmentation are of {height} x {width} px')
    if not isinstance(counts, (str, bytes)):
        if not isinstance(counts, list) or any(
            type(n) is not int or n < 0 for n in counts
        ):
            raise ValueError(
                f'run lengths of a segmentation are {_shorten(counts)}; expected whole '
                'numbers or a string'
            )
        if sum(counts) != height * width:  # pycocotools takes the rest as zeros
            raise ValueError(
                f'run lengths of a segmentation add up to {sum(counts)} px; expected '
                f'{height} x {width}. Fix: repair the annotation'
            )
        segmentation = mask.frPyObjects(segmentation, height, width)
    try:
        return np.asarray(mask.decode(segmentation))
    except (ValueError, TypeError) as error:
        raise ValueError(f'run lengths of a segmentation: {error}') from error
