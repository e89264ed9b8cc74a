"""Annotated people -> augmented crops, for a whole batch.

`RandomFlip`, `RandomHalfBody`, `RandomBBoxTransform` and `TopdownAffine`, in this order.
No mirrored image is made. A box moves, grows and turns about its own center, so a flip is
x -> -x before all else, and becomes part of the warp matrix; the image's width, by which
MMPose mirrors, cancels.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gm_pose.ops.crop_augmentation import CropAugmentation, CropDraws
from gm_pose.ops.crop_matrices import (
    fix_aspect_ratio,
    make_warp_matrices,
    measure_boxes,
    transform_points,
)

__all__ = ['BodySides', 'CropFrame', 'Crops', 'augment_crops']


@dataclass(frozen=True)
class BodySides:
    """What a dataset's metainfo says of its K keypoints.

    Args:
        flip_indices: (K,), the keypoint of the other side, or itself.
        upper, lower: (K,) bool, the halves of the body.
    """

    flip_indices: NDArray[np.int64]
    upper: NDArray[np.bool_]
    lower: NDArray[np.bool_]


@dataclass(frozen=True)
class Crops:
    """B crops.

    Args:
        matrices: (B, 2, 3) float64, from image px to px of the crop, flips included.
        keypoints_px: (B, K, 2) float32 in px of the crop, sides swapped where flipped.
        visible: (B, K) float32, as `keypoints_px`.
    """

    matrices: NDArray[np.float64]
    keypoints_px: NDArray[np.float32]
    visible: NDArray[np.float32]


@dataclass(frozen=True)
class CropFrame:
    """Where crops come from and go to.

    Args:
        input_size: [w, h] of a crop in px.
        use_udp: as in `TopdownAffine`.
        padding: as in `GetBBoxCenterScale`.
    """

    input_size: tuple[int, int]
    use_udp: bool = False
    padding: float = 1.25


def augment_crops(
    bboxes_px: NDArray[np.float32],
    keypoints_px: NDArray[np.float32],
    visible: NDArray[np.float32],
    frame: CropFrame,
    sides: BodySides,
    augmentation: CropAugmentation,
    draws: CropDraws,
) -> Crops:
    """Annotated people -> augmented crops.

    Differs from MMPose where all keypoints of the chosen half stand on one point: MMPose
    makes a crop of size 0 of them, here the person stays whole.

    Args:
        bboxes_px: (B, 4) as x1, y1, x2, y2.
        keypoints_px: (B, K, 2) in image px.
        visible: (B, K), above 0 where labelled.
        frame: size and grid of the crops.
        sides: of the keypoints.
        augmentation: thresholds and padding of the half body.
        draws: from `augmentation.draw`.

    Example:
        >>> none = CropAugmentation()
        >>> sides = BodySides(np.arange(1), np.array([True]), np.array([False]))
        >>> crops = augment_crops(
        ...     np.float32([[0, 0, 48, 64]]), np.float32([[[24, 48]]]), np.ones((1, 1)),
        ...     CropFrame((192, 256), padding=1), sides, none, none.draw(np.zeros((1, 10))),
        ... )
        >>> crops.keypoints_px
        array([[[ 96., 192.]]], dtype=float32)
    """
    flipped = draws.flipped
    centers, scales = measure_boxes(bboxes_px, frame.padding)
    points = np.where(
        flipped[:, None, None], keypoints_px[:, sides.flip_indices], keypoints_px
    )
    visible = np.where(flipped[:, None], visible[:, sides.flip_indices], visible)
    signs = np.where(flipped, np.float32(-1), np.float32(1))
    centers[:, 0] *= signs
    mirrored = points.copy()
    mirrored[..., 0] *= signs[:, None]
    _take_half_bodies(centers, scales, mirrored, visible, sides, augmentation, draws)
    centers = centers + draws.shifts * scales
    scales = fix_aspect_ratio(scales * draws.scales[:, None], frame.input_size)
    matrices = make_warp_matrices(
        centers, scales, draws.rotations_deg, frame.input_size, frame.use_udp
    )
    moved = transform_points(matrices, mirrored).astype(np.float32)
    matrices[:, :, 0] *= signs[:, None]
    return Crops(matrices, moved, visible)


def _take_half_bodies(
    centers: NDArray[np.float32],
    scales: NDArray[np.float32],
    points: NDArray[np.float32],
    visible: NDArray[np.float32],
    sides: BodySides,
    augmentation: CropAugmentation,
    draws: CropDraws,
) -> None:
    """Replace, in place, the boxes of those who are drawn and have enough keypoints."""
    labelled = visible > 0
    upper, lower = labelled & sides.upper, labelled & sides.lower
    enough_upper = upper.sum(1) >= max(1, augmentation.min_upper_keypoints)
    enough_lower = lower.sum(1) >= max(1, augmentation.min_lower_keypoints)
    halved = draws.halved & (visible.sum(1) >= augmentation.min_total_keypoints)
    halved &= enough_upper | enough_lower
    rows = np.flatnonzero(halved)
    if not len(rows):
        return
    takes_upper = np.where(
        enough_lower, enough_upper & draws.prefers_upper, enough_upper
    )
    chosen = np.where(takes_upper[:, None], upper, lower)[rows]
    for row, keep in zip(rows, chosen, strict=True):
        kept = points[row, keep]
        size = kept.max(0) - kept.min(0)
        if size.any():
            centers[row] = kept.mean(0)
            scales[row] = size * np.float32(augmentation.half_body_padding)
