"""Boxes that a person can be looked for in, and what becomes of the others."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ['BoxCounts', 'keep_usable']


@dataclass
class BoxCounts:
    """Boxes that were left out, counted over a run.

    Attributes:
        empty: without width or height, or not finite.
        outside: without a pixel of the image.
    """

    empty: int = 0
    outside: int = 0

    def __str__(self) -> str:
        parts = []
        if self.empty:
            parts.append(f'{self.empty} without width or height')
        if self.outside:
            parts.append(f'{self.outside} outside of their image')
        return ', '.join(parts)


def keep_usable(
    boxes_px: NDArray[np.floating], image_size: tuple[int, int], counts: BoxCounts
) -> NDArray[np.bool_]:
    """Boxes (n, 4) x1, y1, x2, y2 -> (n,) whether each can be used; others are counted.

    A box that reaches over the image's border is used as it is: what lies outside is
    black, as in training.

    Example:
        >>> boxes = np.array([[0, 0, 5, 5], [3, 3, 3, 9], [50, 0, 60, 9.0]])
        >>> counts = BoxCounts()
        >>> keep_usable(boxes, (40, 30), counts).tolist(), str(counts)
        ([True, False, False], '1 without width or height, 1 outside of their image')
    """
    boxes = np.asarray(boxes_px, np.float64).reshape(-1, 4)
    x1, y1, x2, y2 = boxes.T
    filled = np.isfinite(boxes).all(1) & (x2 > x1) & (y2 > y1)
    # a crop's matrix is float32, and so is what an image can hold of a box
    filled &= np.abs(np.where(np.isfinite(boxes), boxes, 0)).max(1, initial=0) < 1e7
    inside = (x2 > 0) & (y2 > 0) & (x1 < image_size[0]) & (y1 < image_size[1])
    counts.empty += int((~filled).sum())
    counts.outside += int((filled & ~inside).sum())
    return filled & inside
