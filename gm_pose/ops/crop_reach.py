"""How far from a person the augmentation can take pixels."""

import numpy as np
from numpy.typing import NDArray

from gm_pose.ops.augmented_crops import BodySides, CropFrame
from gm_pose.ops.crop_augmentation import CropAugmentation
from gm_pose.ops.crop_matrices import fix_aspect_ratio, measure_boxes

__all__ = ['compute_reach']

_MARGIN_PX = 2.0
"""A bilinear sample reads up to 1 px further; the rest is for rounding to float32."""


def compute_reach(
    bboxes_px: NDArray[np.float32],
    keypoints_px: NDArray[np.float32],
    visible: NDArray[np.float32],
    frame: CropFrame,
    sides: BodySides | None = None,
    augmentation: CropAugmentation | None = None,
) -> NDArray[np.float64]:
    """People -> the rectangles (B, 4) [x1, y1, x2, y2] that hold every possible crop.

    A crop of size (w, h) about its center, scaled by at most s, shifted by at most f of its
    unscaled size and turned by at most R, stays in half the width

        f w0 + s max over |r| <= R of (w / 2 |cos r| + h / 2 |sin r|),

    and likewise in height. A flip mirrors that about the center of the box. A half body is
    a box of its own, and the union of all is taken.

    Args:
        bboxes_px: (B, 4).
        keypoints_px: (B, K, 2).
        visible: (B, K), above 0 where labelled.
        frame: size of the crop and padding of the box.
        sides: halves of the body; needed where `augmentation` takes halves.
        augmentation: None for the plain crop of evaluation.

    Example:
        >>> box = np.float32([[100, 50, 148, 114]])  # 48 x 64 px
        >>> frame = CropFrame((192, 256), use_udp=False, padding=1.25)
        >>> compute_reach(box, np.zeros((1, 17, 2)), np.zeros((1, 17)), frame)
        array([[ 92.,  40., 156., 124.]])
    """
    settings = augmentation or CropAugmentation()
    centers, scales = measure_boxes(bboxes_px, frame.padding)
    reach = _reach_of_boxes(centers, scales, frame, settings)
    if sides is None or settings.half_body_prob == 0:
        return reach
    labelled = visible > 0
    for side in (sides.upper, sides.lower):
        # A flip moves a label to the other side before halves are chosen.
        for chosen in (side, side[sides.flip_indices]):
            kept = labelled & chosen
            half = _reach_of_halves(keypoints_px, kept, frame, settings)
            has_any = kept.any(1, keepdims=True)
            low = np.where(has_any, np.minimum(reach, half), reach)
            high = np.where(has_any, np.maximum(reach, half), reach)
            reach = np.hstack([low[:, :2], high[:, 2:]])
    return reach


def _reach_of_halves(
    points: NDArray[np.float32],
    kept: NDArray[np.bool_],
    frame: CropFrame,
    settings: CropAugmentation,
) -> NDArray[np.float64]:
    """Keypoints (B, K, 2), which of them are taken (B, K) -> (B, 4)."""
    mask = kept[..., None]
    count = np.maximum(kept.sum(1), 1)[:, None]
    centers = np.where(mask, points, 0).sum(1) / count
    low = np.where(mask, points, np.inf).min(1)
    high = np.where(mask, points, -np.inf).max(1)
    size = np.where(kept.any(1, keepdims=True), high - low, 0)
    scales = size.astype(np.float32) * np.float32(settings.half_body_padding)
    return _reach_of_boxes(centers, scales, frame, settings)


def _reach_of_boxes(
    centers: NDArray[np.floating],
    scales: NDArray[np.floating],
    frame: CropFrame,
    settings: CropAugmentation,
) -> NDArray[np.float64]:
    """Centers (B, 2), padded sizes (B, 2) -> (B, 4)."""
    factors = []
    if settings.scale_prob < 1:
        factors.append(1.0)
    if settings.scale_prob > 0:
        factors.append(max(settings.scale_factor))
    turn = settings.rotate_factor if settings.rotate_prob > 0 else 0.0
    shift = settings.shift_factor if settings.shift_prob > 0 else 0.0
    size = fix_aspect_ratio(scales.astype(np.float32), frame.input_size)
    half = size.astype(np.float64) * max(factors) / 2
    across, along = half.T
    extent = np.stack(
        [_turn_extent(across, along, turn), _turn_extent(along, across, turn)], axis=1
    )
    extent = extent + abs(shift) * scales.astype(np.float64) + _MARGIN_PX
    middle = centers.astype(np.float64)
    return np.hstack([middle - extent, middle + extent])


def _turn_extent(
    along: NDArray[np.float64], across: NDArray[np.float64], most_deg: float
) -> NDArray[np.float64]:
    """Maximum of along |cos r| + across |sin r| for |r| <= most_deg."""
    most = np.deg2rad(min(abs(most_deg), 90.0))
    best = np.arctan2(across, along)
    angle = np.minimum(best, most)
    return along * np.cos(angle) + across * np.sin(angle)
