"""What finds boxes, and the two simplest: the whole image, given arrays."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from gm_pose.inference.sources.frame import Frame

__all__ = ['BoxFinder', 'FoundBoxes', 'GivenBoxes', 'WholeImage']


@dataclass(frozen=True)
class FoundBoxes:
    """Boxes of one frame.

    Attributes:
        boxes_px: (n, 4) x1, y1, x2, y2.
        scores: (n,).
        image_id: of the frame in the file that the boxes are from, None for no file.
    """

    boxes_px: NDArray[np.float32]
    scores: NDArray[np.float32]
    image_id: int | str | None = None


class BoxFinder(Protocol):
    """Finds the boxes of a frame."""

    def find(self, frame: Frame) -> FoundBoxes: ...


class WholeImage:
    """One person, anywhere in the image."""

    def find(self, frame: Frame) -> FoundBoxes:
        """The image's own box."""
        w, h = frame.size
        box = np.array([[0, 0, w, h]], np.float32)
        return FoundBoxes(box, np.ones(1, np.float32))


class GivenBoxes:
    """Arrays of boxes, one for each frame in turn.

    Args:
        boxes: (n, 4) each, or (n, 5) with scores.

    Raises:
        ValueError: one has another shape, or there are fewer than frames.
    """

    def __init__(self, boxes: Sequence[Any]) -> None:
        self._boxes = [_read_boxes(b) for b in boxes]

    def find(self, frame: Frame) -> FoundBoxes:
        """Those of this frame."""
        if frame.position >= len(self._boxes):
            raise ValueError(
                f'boxes are given for {len(self._boxes)} images; expected one array for '
                'each image'
            )
        boxes = self._boxes[frame.position]
        scores = boxes[:, 4] if boxes.shape[1] == 5 else np.ones(len(boxes), np.float32)
        return FoundBoxes(boxes[:, :4], scores)


def _read_boxes(boxes: Any) -> NDArray[np.float32]:
    array = np.asarray(boxes, np.float32)
    if array.size == 0:
        return np.zeros((0, 4), np.float32)
    if array.ndim == 1:
        array = array[None]
    if array.ndim != 2 or array.shape[1] not in (4, 5):
        raise ValueError(
            f'boxes have the shape {array.shape}; expected (n, 4) as x1, y1, x2, y2, or '
            '(n, 5) with scores'
        )
    return array
