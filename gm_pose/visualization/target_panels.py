"""Targets of one person, near enough that the narrow ones are seen."""

from collections.abc import Sequence

import cv2
import numpy as np

from gm_pose.visualization.heatmap_grid import TARGET_MARK, overlay_heatmap
from gm_pose.visualization.sheet import PANEL_HEIGHT, draw_open_cross, resize_crop

LEFT, RIGHT, MIDDLE = (90, 180, 0), (0, 110, 230), (230, 120, 60)  # BGR


def draw_joint_pair(
    image: np.ndarray,
    heatmap: np.ndarray,
    joint_px: np.ndarray,
    cell_px: Sequence[float],
    reach_cells: float,
) -> np.ndarray:
    """A joint's target over the whole crop, and enlarged beside it -> panel.

    Args:
        image: (h, w, 3) uint8 BGR, the crop.
        heatmap: (H, W), 0 to 1.
        joint_px: [x, y] in px of the crop.
        cell_px: input px per cell along x and y.
        reach_cells: how far the enlarged part reaches to each side.
    """
    scale = PANEL_HEIGHT / image.shape[0]
    whole = overlay_heatmap(image, heatmap, cell_px)
    hole = max(5.0, reach_cells * cell_px[0] * scale)
    draw_open_cross(whole, (joint_px + 0.5) * scale - 0.5, TARGET_MARK, hole)
    near = zoom_target(image, heatmap, joint_px, cell_px, reach_cells)
    return np.hstack([whole, np.full((PANEL_HEIGHT, 4, 3), 255, np.uint8), near])


def zoom_target(
    image: np.ndarray,
    heatmap: np.ndarray,
    joint_px: np.ndarray,
    cell_px: Sequence[float],
    reach_cells: float,
) -> np.ndarray:
    """The surroundings of a joint (PANEL_HEIGHT x PANEL_HEIGHT): cells, and a dot on it.

    Cell c of the map is the square around px c * cell_px of the crop. Beyond the crop the
    panel is grey.
    """
    cells = (
        np.arange(PANEL_HEIGHT) + 0.5
    ) / PANEL_HEIGHT * 2 * reach_cells - reach_cells
    cell = np.asarray(joint_px) / np.asarray(cell_px)
    columns, rows = cells + cell[0], cells + cell[1]
    at_x, at_y = (
        np.asarray(values * px, np.float32)
        for values, px in zip((columns, rows), cell_px, strict=True)
    )
    grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
    map_x, map_y = np.meshgrid(at_x, at_y)
    base = cv2.remap(
        grey,
        map_x.astype(np.float32),
        map_y.astype(np.float32),
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=(200,),
    )
    height, width = heatmap.shape
    padded = np.pad(heatmap, 1)
    j = np.clip(np.rint(rows).astype(int), -1, height) + 1
    i = np.clip(np.rint(columns).astype(int), -1, width) + 1
    heat = padded[np.ix_(j, i)].clip(0, 1)
    colour = cv2.applyColorMap((heat * 255).astype(np.uint8), cv2.COLORMAP_INFERNO)
    alpha = 0.85 * np.sqrt(heat)[..., None]
    panel = 0.75 * base[..., None] * (1 - alpha) + colour * alpha
    panel = panel.clip(0, 255).astype(np.uint8)
    middle = (PANEL_HEIGHT // 2, PANEL_HEIGHT // 2)
    cv2.circle(panel, middle, 3, (0, 0, 0), -1, cv2.LINE_AA)
    cv2.circle(panel, middle, 2, TARGET_MARK, -1, cv2.LINE_AA)
    return panel


def draw_sides(
    image: np.ndarray,
    joints_px: np.ndarray,
    shown: np.ndarray,
    links: Sequence[tuple[int, int]],
    flip_indices: Sequence[int],
    mirror: bool = False,
) -> np.ndarray:
    """Skeleton over a crop: one colour a side -> panel.

    Args:
        joints_px: (K, 2) px of the crop.
        shown: (K,) bool.
        links: pairs of joint indices.
        flip_indices: (K,), the joint that each becomes when mirrored.
        mirror: turn the picture, and exchange the joints as flips do.
    """
    points = np.array(joints_px, dtype=np.float64)
    shown = np.array(shown)
    if mirror:
        image = np.ascontiguousarray(image[:, ::-1])
        points[:, 0] = image.shape[1] - 1 - points[:, 0]
        points, shown = points[list(flip_indices)], shown[list(flip_indices)]
    panel = resize_crop(image)
    points = (points + 0.5) * PANEL_HEIGHT / image.shape[0] - 0.5
    points = points.clip(-10_000, 10_000)  # OpenCV's lines end at 2^15 / 16 px
    for a, b in links:
        if shown[a] and shown[b]:
            start, end = (np.rint(points[k]).astype(int).tolist() for k in (a, b))
            cv2.line(panel, start, end, (0, 0, 0), 3, cv2.LINE_AA)
            joint = a if flip_indices[a] != a else b
            colour = _get_colour(joint, flip_indices)
            cv2.line(panel, start, end, colour, 1, cv2.LINE_AA)
    for k in np.flatnonzero(shown):
        at = tuple(np.rint(points[k]).astype(int).tolist())
        cv2.circle(panel, at, 3, (0, 0, 0), -1, cv2.LINE_AA)
        cv2.circle(panel, at, 2, _get_colour(int(k), flip_indices), -1, cv2.LINE_AA)
    return panel


def _get_colour(joint: int, flip_indices: Sequence[int]) -> tuple[int, int, int]:
    """Of a pair the first has LEFT's and the second RIGHT's."""
    other = flip_indices[joint]
    return MIDDLE if other == joint else (LEFT if joint < other else RIGHT)
