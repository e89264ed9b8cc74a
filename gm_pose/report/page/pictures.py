"""Pictures of single people: annotated joints, predicted joints, kinds of error."""

import base64
import os.path as osp
from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np

__all__ = ['PersonView', 'draw_person', 'encode_picture', 'read_picture']

HEIGHT, MAX_WIDTH = 320, 320
TRUTH, PREDICTED = (80, 190, 60), (30, 110, 240)  # BGR
# as KIND_COLORS of the charts, in BGR
_RINGS = {1: (74, 195, 230), 2: (167, 121, 204), 3: (178, 114, 0), 4: (43, 57, 192)}
_MARGIN = 0.12  # of the crop's longer side
_QUALITY = 82


class PersonView(NamedTuple):
    """What is drawn of one person; lengths in image px.

    Attributes:
        truth: (K, 3) annotated x, y and visibility.
        predicted: (K, 2), or None where nobody was found.
        kinds: (K,) index into `KINDS`, -1 where there is none.
        bbox: (4,) x, y, w, h.
    """

    truth: np.ndarray
    predicted: np.ndarray | None
    kinds: np.ndarray
    bbox: np.ndarray


def read_picture(path: str | None) -> np.ndarray | None:
    """Image file -> (h, w, 3) uint8 BGR; None where it is missing or cannot be read."""
    if path is None or not osp.isfile(path):
        return None
    # as MMPose reads it: a turn in EXIF is not applied
    return cv2.imread(path, cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)


def draw_person(
    image: np.ndarray | None, view: PersonView, links: Sequence[tuple[int, int]]
) -> np.ndarray:
    """Person -> a picture (h, w, 3) uint8 BGR of at most 320 x 320 px.

    Annotated joints are green, predicted ones orange; a ring in the colour of its kind is
    around each joint that is wrong. Without an image the ground is grey.
    """
    is_labelled = view.truth[:, 2] > 0
    points = [view.truth[is_labelled, :2], view.bbox[None, :2]]
    points.append(view.bbox[None, :2] + view.bbox[None, 2:])
    if view.predicted is not None:
        # joints without a label may lie anywhere
        points.append(view.predicted[is_labelled])
    everything = np.concatenate(points)
    everything = everything[np.isfinite(everything).all(1)]
    low, high = everything.min(0), everything.max(0)
    # a joint far outside shall not make the person a dot
    reach = 1.0 * max(view.bbox[2:].max(), 1)
    low = np.maximum(low, view.bbox[:2] - reach)
    high = np.minimum(high, view.bbox[:2] + view.bbox[2:] + reach)
    margin = _MARGIN * max((high - low).max(), 8)
    low, high = low - margin, high + margin
    scale = min(HEIGHT / (high - low)[1], MAX_WIDTH / (high - low)[0])
    size = np.maximum(np.rint((high - low) * scale), 1).astype(int)
    matrix = np.array([[scale, 0, -low[0] * scale], [0, scale, -low[1] * scale]])
    gray = (214, 209, 203)
    picture: np.ndarray
    if image is None:
        picture = np.full((size[1], size[0], 3), gray, np.uint8)
    else:
        picture = cv2.warpAffine(
            image,
            matrix,
            (int(size[0]), int(size[1])),
            flags=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR,
            borderValue=gray,
        )
    truth = (view.truth[:, :2] - low) * scale
    _draw_skeleton(picture, truth, is_labelled, links, TRUTH)
    if view.predicted is not None:
        predicted = (view.predicted - low) * scale
        _draw_skeleton(picture, predicted, is_labelled, links, PREDICTED)
        for point, kind in zip(predicted, view.kinds.tolist(), strict=True):
            if kind in _RINGS and np.abs(point).max() < 1e4:
                center = (round(float(point[0])), round(float(point[1])))
                cv2.circle(picture, center, 8, _RINGS[kind], 2, cv2.LINE_AA)
    return picture


def _draw_skeleton(
    picture: np.ndarray,
    points: np.ndarray,
    shown: np.ndarray,
    links: Sequence[tuple[int, int]],
    color: tuple[int, int, int],
) -> None:
    shown = shown & np.isfinite(points).all(1) & (np.abs(points).max(1) < 1e4)
    places = [
        (round(float(x)), round(float(y))) if s else (0, 0)
        for (x, y), s in zip(points, shown, strict=True)
    ]
    for a, b in links:
        if shown[a] and shown[b]:
            cv2.line(picture, places[a], places[b], (255, 255, 255), 4, cv2.LINE_AA)
            cv2.line(picture, places[a], places[b], color, 2, cv2.LINE_AA)
    for place, is_shown in zip(places, shown, strict=True):
        if is_shown:
            cv2.circle(picture, place, 4, (255, 255, 255), -1, cv2.LINE_AA)
            cv2.circle(picture, place, 3, color, -1, cv2.LINE_AA)


def encode_picture(picture: np.ndarray) -> str:
    """Picture -> text of a JPEG's `data:` address."""
    _, data = cv2.imencode('.jpg', picture, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    return 'data:image/jpeg;base64,' + base64.b64encode(data.tobytes()).decode()
