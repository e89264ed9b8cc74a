"""What a user calls `--boxes`: the whole image, given arrays, a file, a detector."""

import os.path as osp
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from gm_pose.inference.sources.frame import Frame
from gm_pose.runs.user_errors import UserError

__all__ = ['BoxFinder', 'FoundBoxes', 'GivenBoxes', 'WholeImage', 'open_boxes']


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
        return FoundBoxes(np.float32([[0, 0, w, h]]), np.ones(1, np.float32))


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


def open_boxes(
    boxes: str,
    threshold: float | None = None,
    weights: str | None = None,
    device: str | None = None,
) -> BoxFinder:
    """'whole', a file, or a detector's name or config -> box finder.

    Args:
        boxes: 'whole'; a COCO annotations or detections file (.json); name, alias or
            config of an MMDetection detector.
        threshold: boxes with a lower score are left out; None: 0.3 of a detector's, none
            of a file's.
        weights: of the detector.
        device: of the detector.

    Raises:
        UserError: no such file or detector.
    """
    if boxes == 'whole':
        return WholeImage()
    if boxes.endswith('.json'):
        from gm_pose.inference.boxes.box_file import BoxFile

        return BoxFile(boxes, 0.0 if threshold is None else threshold)
    if osp.isfile(boxes) and not boxes.endswith('.py'):
        raise UserError(
            f'--boxes {boxes} is a file of another kind; expected COCO annotations or '
            'detections (.json)'
        )
    from gm_pose.inference.boxes.detector import Detector

    return Detector(boxes, weights, 0.3 if threshold is None else threshold, device)
