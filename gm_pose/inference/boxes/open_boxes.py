"""What a user calls `--boxes`: the whole image, a file, a detector."""

import math
import os.path as osp

from gm_pose.inference.boxes.box_finder import BoxFinder, WholeImage
from gm_pose.runs.user_errors import UserError

__all__ = ['open_boxes']


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

        return BoxFile(boxes, -math.inf if threshold is None else threshold)
    if osp.isfile(boxes) and not boxes.endswith('.py'):
        raise UserError(
            f'--boxes {boxes} is a file of another kind; expected COCO annotations or '
            'detections (.json)'
        )
    from gm_pose.inference.boxes.detector import Detector

    return Detector(boxes, weights, 0.3 if threshold is None else threshold, device)
