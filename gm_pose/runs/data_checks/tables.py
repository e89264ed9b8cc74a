"""Rows of an annotation file as arrays."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ['to_array', 'to_image_sizes']


def to_array(values: list[Any], width: int) -> np.ndarray:
    """Rows of numbers -> (N, width); a row of another kind becomes NaN."""
    try:
        array = np.array(values, dtype=np.float64)
        if array.shape == (len(values), width):
            return array
    except (TypeError, ValueError):
        pass
    array = np.full((len(values), width), np.nan)
    for index, row in enumerate(values):
        try:
            array[index] = row
        except (TypeError, ValueError):
            continue
    return array


def to_image_sizes(people: list[dict], images: dict[Any, dict]) -> np.ndarray:
    """Annotations and the images by id -> (N, 2), width and height of each one's image."""
    sizes = {
        key: [image.get('width'), image.get('height')] for key, image in images.items()
    }
    return to_array([sizes[p['image_id']] for p in people], 2).reshape(-1, 2)
