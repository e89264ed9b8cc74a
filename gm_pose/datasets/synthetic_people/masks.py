"""Masks -> COCO polygons whose rasterised area is exactly the mask's."""

from __future__ import annotations

import cv2
import numpy as np


def fill_holes(mask: np.ndarray) -> np.ndarray:
    """Mask (h, w) bool with its holes filled: a COCO polygon cannot have holes."""
    # 4-connected background, so that a hole closed only by a corner is closed: the
    # outline below walks around 8-connected pieces in the same sense.
    padded = np.pad(~mask, 1, constant_values=True).astype(np.uint8)
    _, labels = cv2.connectedComponents(padded, connectivity=4)
    return (labels != labels[0, 0])[1:-1, 1:-1]


def mask_to_polygons(mask: np.ndarray) -> list[list[int]]:
    """Outlines of a hole-free mask along the pixels' edges, in COCO's form.

    Pixel (u, v) is the square [u, u + 1] x [v, v + 1], so COCO's rasteriser gives back
    the mask to the pixel. Each outline keeps the mask on its right; where two pixels
    touch by a corner only, the walk separates them.

    Args:
        mask: (h, w) bool without holes (:func:`fill_holes`).

    Returns:
        One [u0, v0, u1, v1, ...] per 4-connected piece, corners only.
    """
    m = np.pad(mask, 1)
    inside = m[1:-1, 1:-1]
    # Directed unit edges around each pixel, clockwise on the screen.
    sides = (
        (inside & ~m[:-2, 1:-1], (0, 0), (1, 0)),  # top, to the right
        (inside & ~m[1:-1, 2:], (1, 0), (1, 1)),  # right, down
        (inside & ~m[2:, 1:-1], (1, 1), (0, 1)),  # bottom, to the left
        (inside & ~m[1:-1, :-2], (0, 1), (0, 0)),  # left, up
    )
    following: dict[tuple[int, int], list[tuple[int, int]]] = {}
    for edge, (su, sv), (eu, ev) in sides:
        for v, u in np.argwhere(edge).tolist():
            following.setdefault((u + su, v + sv), []).append((u + eu, v + ev))
    polygons = []
    while following:
        start = min(following)
        outline, here, step = [], start, (0, -1)
        while True:
            choices = following[here]
            # At a corner shared by two pixels turn right: stay with the same pixel.
            right = (here[0] - step[1], here[1] + step[0])
            there = right if right in choices else choices[0]
            choices.remove(there)
            if not choices:
                del following[here]
            new_step = (there[0] - here[0], there[1] - here[1])
            if new_step != step:
                outline.extend(here)
            here, step = there, new_step
            if here == start:
                break
        polygons.append(outline)
    return polygons


def mask_to_box(mask: np.ndarray) -> list[float]:
    """COCO box [x, y, width, height] in px around a mask (h, w) that is not empty."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    x, y = float(columns[0]), float(rows[0])
    return [x, y, float(columns[-1]) + 1 - x, float(rows[-1]) + 1 - y]
