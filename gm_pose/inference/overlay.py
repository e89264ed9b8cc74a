"""People drawn over their image: skeletons, and ellipses that hold 95 % of each joint."""

import cv2
import numpy as np
from numpy.typing import NDArray

from gm_pose.inference.people_fields import PeopleFields

__all__ = ['draw_people']

# Part of a person's box that a filled ellipse may reach over; larger ones are outlines,
# since of several people they would hide each other and the picture.
_LARGEST_FILLED = 0.15
# Quantile of chi^2 with two degrees of freedom: the ellipse holds 95 % of a Gaussian.
_CHI2_95 = -2 * np.log(0.05)
# The longer side is enlarged to this many px, so that joints stay apart and text is read.
_LEAST_SIDE = 640
# OpenCV takes coordinates in fractions of 1/16 px.
_SHIFT = 4
_WHITE, _BLACK = (255, 255, 255), (0, 0, 0)
# Without colours in the metainfo; BGR, told apart by colour-blind readers (Okabe, Ito).
_PALETTE = (
    (0, 159, 230),
    (233, 180, 86),
    (115, 158, 0),
    (66, 228, 240),
    (178, 114, 0),
    (0, 94, 213),
    (167, 121, 204),
)


def draw_people(
    people: PeopleFields, threshold: float, image: NDArray[np.uint8] | None = None
) -> NDArray[np.uint8]:
    """People -> picture (h, w, 3) uint8 BGR.

    Joints from the threshold on are discs with their ellipses, the others rings; a link is
    drawn between discs.

    Args:
        people: N; of whom nobody may be there.
        threshold: of the joints' scores.
        image: (h, w, 3) uint8 BGR; None: the people's own, grey without one.
    """
    if image is None:
        image = people.image
    if image is None:
        image = np.full((people.image_size[1], people.image_size[0], 3), 96, np.uint8)
    scale = max(1.0, _LEAST_SIDE / max(image.shape[:2]))
    size = [round(side * scale) for side in image.shape[1::-1]]
    if scale > 1:
        picture = cv2.resize(image, size, interpolation=cv2.INTER_CUBIC).astype(
            np.uint8
        )
    else:
        picture = image.copy()
    order = np.argsort(people.scores, kind='stable').tolist()  # the best on top
    _draw_ellipses(picture, people, people.keypoint_scores >= threshold, scale)
    for k in order:
        _draw_person(picture, people, k, threshold, scale)
    return picture


def _draw_ellipses(
    picture: NDArray[np.uint8],
    people: PeopleFields,
    solid: NDArray[np.bool_],
    scale: float,
) -> None:
    """Of all people, pale, below all skeletons."""
    layer = picture.copy()
    colours = _list_colours(people.description.joint_colours, solid.shape[1])
    covariances = people.covariances_px2.astype(np.float64) * scale**2
    for k, joint in np.argwhere(solid).tolist():
        box = people.bboxes_px[k].astype(np.float64) * scale
        diagonal = float(np.hypot(*(box[2:] - box[:2])))
        at = (people.keypoints_px[k, joint].astype(np.float64) + 0.5) * scale - 0.5
        ellipse = _measure_ellipse(at, covariances[k, joint], diagonal)
        if ellipse is None:
            continue
        inks = [(colours[joint], 1)]
        if ellipse[1][0] <= _LARGEST_FILLED * diagonal * 2**_SHIFT:
            inks = [(colours[joint], -1), (_WHITE, 1)]
        for ink, width in inks:
            cv2.ellipse(layer, *ellipse, 0, 360, ink, width, cv2.LINE_AA, _SHIFT)
    cv2.addWeighted(layer, 0.45, picture, 0.55, 0, dst=picture)


def _measure_ellipse(
    center: NDArray[np.float64], covariance: NDArray[np.float64], diagonal: float
) -> tuple[tuple[int, int], tuple[int, int], float] | None:
    """Center, radii and angle as OpenCV takes them; None where nothing is to be drawn."""
    if not np.isfinite(covariance).all() or not np.isfinite(center).all():
        return None
    variances, directions = np.linalg.eigh(covariance)
    short, long = np.sqrt(_CHI2_95 * variances.clip(0)).tolist()
    if 2 * long > diagonal:  # anywhere: an ellipse around everybody says nothing
        return None
    angle = float(np.degrees(np.arctan2(directions[1, 1], directions[0, 1])))
    return _fix(center), (round(long * 2**_SHIFT), round(short * 2**_SHIFT)), angle


def _draw_person(
    picture: NDArray[np.uint8],
    people: PeopleFields,
    k: int,
    threshold: float,
    scale: float,
) -> None:
    box = (people.bboxes_px[k].astype(np.float64) + 0.5) * scale - 0.5
    diagonal = float(np.hypot(*(box[2:] - box[:2])))
    # as thick as fits the picture, and the person in it
    thickness = min(max(picture.shape[:2]) / 320, diagonal / 90)
    line = max(1, round(thickness))
    joints = (people.keypoints_px[k].astype(np.float64) + 0.5) * scale - 0.5
    solid = people.keypoint_scores[k] >= threshold
    colours = _list_colours(people.description.joint_colours, len(joints))
    links = people.skeleton_links
    link_colours = _list_colours(people.description.link_colours, len(links))
    if not _covers(people, k):
        _draw_box(picture, people, k, box, line)
    for (a, b), colour in zip(links, link_colours, strict=True):
        if solid[a] and solid[b]:
            ends = _fix(joints[a]), _fix(joints[b])
            cv2.line(picture, *ends, _BLACK, line + 2, cv2.LINE_AA, _SHIFT)
            cv2.line(picture, *ends, colour, line, cv2.LINE_AA, _SHIFT)
    radius = round((thickness + 1) * 2**_SHIFT)
    ring = 2 * radius  # wide enough to be seen through
    for joint, at in enumerate(joints):
        if not np.isfinite(at).all() or np.abs(at).max() > 1e6:
            continue
        if solid[joint]:
            cv2.circle(picture, _fix(at), radius + 16, _BLACK, -1, cv2.LINE_AA, _SHIFT)
            cv2.circle(
                picture, _fix(at), radius, colours[joint], -1, cv2.LINE_AA, _SHIFT
            )
        else:
            for colour, width in ((_BLACK, line + 2), (colours[joint], line)):
                cv2.circle(picture, _fix(at), ring, colour, width, cv2.LINE_AA, _SHIFT)


def _draw_box(
    picture: NDArray[np.uint8], people: PeopleFields, k: int, box: NDArray, line: int
) -> None:
    corners = _fix(box[:2]), _fix(box[2:])
    cv2.rectangle(picture, *corners, _WHITE, max(1, line // 2), cv2.LINE_AA, _SHIFT)
    text = f'{people.scores[k]:.2f}'
    if people.track_ids is not None and people.track_ids[k] >= 0:
        text = f'#{people.track_ids[k]} {text}'
    height = max(picture.shape[:2]) / 1400 + 0.1
    at = (max(int(box[0]), 0) + 3, max(int(box[1]) - 4, round(30 * height)))
    for ink, width in ((_BLACK, 3), (_WHITE, 1)):
        cv2.putText(
            picture, text, at, cv2.FONT_HERSHEY_SIMPLEX, height, ink, width, cv2.LINE_AA
        )


def _covers(people: PeopleFields, k: int) -> bool:
    """Whether a box is that of the whole image."""
    return people.bboxes_px[k].tolist() == [0, 0, *people.image_size]


def _fix(point: NDArray[np.float64]) -> tuple[int, int]:
    x, y = (np.clip(point, -1e6, 1e6) * 2**_SHIFT).round().astype(int).tolist()
    return x, y


def _list_colours(
    rgb: tuple[tuple[int, int, int], ...], count: int
) -> list[tuple[int, int, int]]:
    """RGB of the metainfo -> BGR, or the palette."""
    if rgb:
        return [(b, g, r) for r, g, b in rgb]
    return [_PALETTE[k % len(_PALETTE)] for k in range(count)]
