"""Skeletons over whole images: the ground truth beside the prediction."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from gm_pose.visualization.sheet import Panel, lay_out_panels


@dataclass(frozen=True)
class SkeletonStyle:
    """Links (L, 2) between joints, and colours RGB (L, 3) and (K, 3), as in metainfo."""

    links: np.ndarray
    link_colours: np.ndarray
    joint_colours: np.ndarray


def draw_skeleton(
    image: np.ndarray,
    joints_px: np.ndarray,
    shown: np.ndarray,
    solid: np.ndarray,
    style: SkeletonStyle,
    thickness: int = 2,
) -> None:
    """Draw one person into `image` (H, W, 3) BGR.

    Args:
        joints_px: (K, 2) px of `image`.
        shown: (K,) bool: joints to draw; a link needs both of its ends.
        solid: (K,) bool: filled discs; the other shown joints are rings.
    """

    def point(k: int) -> tuple[int, int]:
        return tuple(int(c) for c in np.rint(joints_px[k]))  # type: ignore[return-value]

    for (a, b), colour in zip(style.links, style.link_colours, strict=True):
        if shown[a] and shown[b]:
            bgr = tuple(int(c) for c in colour[::-1])
            cv2.line(image, point(a), point(b), (0, 0, 0), thickness + 2, cv2.LINE_AA)
            cv2.line(image, point(a), point(b), bgr, thickness, cv2.LINE_AA)
    for k in np.flatnonzero(shown):
        bgr = tuple(int(c) for c in style.joint_colours[k][::-1])
        if solid[k]:
            cv2.circle(image, point(k), thickness + 3, (0, 0, 0), -1, cv2.LINE_AA)
            cv2.circle(image, point(k), thickness + 2, bgr, -1, cv2.LINE_AA)
        else:
            cv2.circle(image, point(k), thickness + 3, (0, 0, 0), 3, cv2.LINE_AA)
            cv2.circle(image, point(k), thickness + 3, bgr, 1, cv2.LINE_AA)


def draw_skeleton_pair(
    image: np.ndarray,
    truth: Sequence[np.ndarray],
    predicted: Sequence[np.ndarray],
    style: SkeletonStyle,
    title: str,
    score_threshold: float = 0.2,
    long_side: int = 720,
) -> np.ndarray:
    """Ground truth (left) and prediction (right) of all people in one image.

    Args:
        image: (h, w, 3) uint8 BGR.
        truth: (K, 3) for each person: x, y in px of `image`, visibility 0, 1 or 2.
        predicted: (K, 3) for each person: x, y in px of `image`, score; joints below
            `score_threshold` are left out.
        style: of the skeleton.
        title: first line of the picture.
        long_side: the image is enlarged to this many px, never shrunk.

    Returns:
        (height, width, 3) uint8 BGR.
    """
    scale = max(1.0, long_side / max(image.shape[:2]))
    large = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
    left, right = large.copy(), large.copy()
    for joints in truth:
        flags = joints[:, 2]
        at = _enlarge(joints[:, :2], scale)
        draw_skeleton(left, at, flags > 0, flags == 2, style)
    for joints in predicted:
        kept = joints[:, 2] >= score_threshold
        draw_skeleton(right, _enlarge(joints[:, :2], scale), kept, kept, style)
    panels = [
        Panel(left, 'ground truth', 'rings: hidden joints'),
        Panel(right, 'prediction', f'scores of {score_threshold:g} and more'),
    ]
    return lay_out_panels(panels, title, '', columns=2)


def _enlarge(joints_px: np.ndarray, scale: float) -> np.ndarray:
    """Pixel centres of the image -> pixel centres of the enlarged image."""
    return (joints_px + 0.5) * scale - 0.5
