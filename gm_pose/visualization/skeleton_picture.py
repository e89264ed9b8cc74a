"""Skeletons over whole images: the ground truth beside the prediction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from gm_pose.visualization.heatmap_grid import FONT, INK, PALE, PAPER

_HEADER = 56


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
    target_px: Sequence[np.ndarray],
    visibility: Sequence[np.ndarray],
    predicted_px: Sequence[np.ndarray],
    scores: Sequence[np.ndarray],
    style: SkeletonStyle,
    title: str,
    score_threshold: float = 0.2,
    long_side: int = 720,
) -> np.ndarray:
    """Ground truth (left) and prediction (right) of all people in one image.

    Args:
        image: (h, w, 3) uint8 BGR.
        target_px, predicted_px: (K, 2) px of `image` for each person.
        visibility: (K,) 0, 1 or 2 for each person, as in COCO.
        scores: (K,) for each person; joints below `score_threshold` are left out.
        long_side: the image is enlarged to this many px, never shrunk.
    """
    scale = max(1.0, long_side / max(image.shape[:2]))
    large = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
    truth, guess = large.copy(), large.copy()
    for joints, flags in zip(target_px, visibility, strict=True):
        draw_skeleton(truth, _enlarge(joints, scale), flags > 0, flags == 2, style)
    for joints, values in zip(predicted_px, scores, strict=True):
        kept = values >= score_threshold
        draw_skeleton(guess, _enlarge(joints, scale), kept, kept, style)
    h, w = large.shape[:2]
    sheet = np.full((h + _HEADER, 2 * w + 8, 3), PAPER, np.uint8)
    sheet[_HEADER:, :w], sheet[_HEADER:, w + 8 :] = truth, guess
    for text, x, y, size, colour in (
        (title, 8, 22, 0.6, INK),
        ('ground truth (rings: hidden joints)', 8, 46, 0.48, PALE),
        (f'prediction (scores of {score_threshold:g} and more)', w + 16, 46, 0.48,
         PALE),
    ):  # fmt: skip
        cv2.putText(sheet, text, (x, y), FONT, size, colour, 1, cv2.LINE_AA)
    return sheet


def _enlarge(joints_px: np.ndarray, scale: float) -> np.ndarray:
    """Pixel centres of the image -> pixel centres of the enlarged image."""
    return (joints_px + 0.5) * scale - 0.5
