"""Boxes of people as warp matrices, for a whole batch.

The arithmetic is that of MMPose's `bbox_xyxy2cs`, `TopdownAffine`, `get_warp_matrix` and
`get_udp_warp_matrix`, down to where they round to float32: a matrix that differs by a
float32 rounding moves a bilinear sample by a step of 1/32 px here and there, and a crop
would be close to MMPose's instead of equal.

Everything is elementwise, without BLAS: a person's matrix does not depend on the batch.
"""

import numpy as np
from numpy.typing import NDArray

__all__ = [
    'compose_matrices',
    'fix_aspect_ratio',
    'make_warp_matrices',
    'measure_boxes',
    'transform_points',
]

Array32 = NDArray[np.float32]


def measure_boxes(
    bboxes_px: NDArray[np.floating], padding: float
) -> tuple[Array32, Array32]:
    """Boxes (B, 4) as x1, y1, x2, y2 -> centers (B, 2) and padded sizes (B, 2) in px.

    Example:
        >>> measure_boxes(np.float32([[10, 20, 30, 60]]), padding=1.25)
        (array([[20., 40.]], dtype=float32), array([[25., 50.]], dtype=float32))
    """
    boxes = np.asarray(bboxes_px, dtype=np.float32)
    corners, ends = boxes[:, :2], boxes[:, 2:]
    return (corners + ends) * np.float32(0.5), (ends - corners) * np.float32(padding)


def fix_aspect_ratio(scales_px: Array32, input_size: tuple[int, int]) -> Array32:
    """Sizes (B, 2) -> the smallest of the network's aspect ratio that cover them."""
    ratio = np.float32(input_size[0] / input_size[1])
    w, h = scales_px[:, :1], scales_px[:, 1:]
    wide = np.hstack([w, w / ratio])
    return np.where(w > h * ratio, wide, np.hstack([h * ratio, h]))


def make_warp_matrices(
    centers_px: Array32,
    scales_px: Array32,
    rotations_deg: Array32,
    input_size: tuple[int, int],
    use_udp: bool,
) -> NDArray[np.float64]:
    """Boxes -> matrices (B, 2, 3) from image px to px of the network's input.

    Args:
        centers_px: (B, 2).
        scales_px: (B, 2), of the input's aspect ratio.
        rotations_deg: (B,), as MMPose turns boxes: a positive angle is clockwise in the
            image, with UDP counter-clockwise.
        input_size: [w, h] of the input in px.
        use_udp: corners of pixels meet (UDP, Huang et al. 2020), not of the image.
    """
    rotations = np.deg2rad(rotations_deg)
    if use_udp:
        return _make_udp_matrices(centers_px, scales_px, rotations, input_size)
    import cv2  # only crops need it, and `ops` must not

    # `get_warp_matrix` maps three points, rounded to float32: the center, the middle of
    # the left side, and the latter plus the way to the center, turned by 90 degrees.
    # OpenCV's solution and the closed form differ by 1e-13; where a box has round numbers
    # that decides ties of the 1/32 px steps, and some crops would not equal MMPose's.
    sine, cosine = np.sin(rotations), np.cos(rotations)
    half = scales_px[:, 0].astype(np.float64) * -0.5
    left = (centers_px + np.stack([cosine * half, sine * half], 1)).astype(np.float32)
    side = centers_px - left
    third = left + np.stack([-side[:, 1], side[:, 0]], 1)
    sources = np.stack([centers_px, left, third], 1)
    w, h = input_size
    targets = np.array([[w, h], [0, h], [0, h + w]], dtype=np.float32) / 2
    matrices = [cv2.getAffineTransform(source, targets) for source in sources]
    return np.array(matrices, dtype=np.float64).reshape(-1, 2, 3)


def _make_udp_matrices(
    centers_px: Array32,
    scales_px: Array32,
    rotations: Array32,
    input_size: tuple[int, int],
) -> NDArray[np.float64]:
    """As `get_udp_warp_matrix`, which rounds the matrix to float32."""
    angles = rotations.astype(np.float64)
    sine, cosine = np.sin(angles), np.cos(angles)
    x, y = centers_px.astype(np.float64).T
    scales = scales_px.astype(np.float64)
    scale_x, scale_y = ((np.array(input_size) - 1) / scales).T
    matrices = np.empty((len(centers_px), 2, 3), dtype=np.float32)
    matrices[:, 0, 0] = cosine * scale_x
    matrices[:, 0, 1] = -sine * scale_x
    matrices[:, 0, 2] = scale_x * (-x * cosine + y * sine + 0.5 * scales[:, 0])
    matrices[:, 1, 0] = sine * scale_y
    matrices[:, 1, 1] = cosine * scale_y
    matrices[:, 1, 2] = scale_y * (-x * sine - y * cosine + 0.5 * scales[:, 1])
    return matrices.astype(np.float64)


def compose_matrices(
    first: NDArray[np.float64], second: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Affine maps (..., 2, 3) -> the map (..., 2, 3) of `first`, then `second`."""
    a, b = first, second
    out = np.empty(np.broadcast_shapes(a.shape, b.shape))
    for column in range(3):
        out[..., column] = (
            b[..., 0] * a[..., 0, None, column] + b[..., 1] * a[..., 1, None, column]
        )
    out[..., 2] += b[..., 2]
    return out


def transform_points(
    matrices: NDArray[np.float64], points: NDArray[np.floating]
) -> NDArray[np.float64]:
    """Matrices (B, 2, 3), points (B, K, 2) as [x, y] -> moved points (B, K, 2)."""
    maps = matrices[:, None]
    x, y = points[..., :1], points[..., 1:]
    return maps[..., 0] * x + maps[..., 1] * y + maps[..., 2]
