"""Target and predicted heatmaps of one person, joint by joint, over the crop."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from gm_pose.visualization.sheet import (
    PANEL_HEIGHT,
    Panel,
    draw_open_cross,
    fade_crop,
    lay_out_panels,
    resize_crop,
)

TARGET_MARK, PREDICTED_MARK = (80, 220, 80), (255, 255, 255)  # BGR
MAX_HOLE = 12.0  # px of a panel; wider Gaussians are seen behind a cross
LEGEND = (
    'each pair: target | prediction, both on the scale 0 to 1; crosses: true joint '
    '(green), predicted joint (white)'
)


@dataclass(frozen=True)
class JointMaps:
    """Heatmaps of one person's K joints, and where the joints are.

    Attributes:
        heatmaps: (K, H, W), 0 to 1.
        joints_px: (K, 2) in crop px [x, y], marked by a cross.
        labelled: (K,) bool: joints that have a target; None for all.
        notes: K further remarks.
    """

    heatmaps: np.ndarray
    joints_px: np.ndarray
    labelled: np.ndarray | None = None
    notes: Sequence[str] | None = None


def overlay_heatmap(
    image: np.ndarray, heatmap: np.ndarray, cell_px: Sequence[float]
) -> np.ndarray:
    """Heatmap (H, W), 0 to 1, over a greyed crop (h, w, 3) uint8 -> panel.

    Cells are drawn as squares, without smoothing, around the place they stand for. Cell
    i is at pixel i * cell_px, not at (i + 0.5) * cell_px as a plain enlargement of the
    heatmap would have it: that draws everything half a cell too far right and down.

    Args:
        cell_px: the codec's `scale_factor`, input px per cell along x and y.
    """
    base = fade_crop(image).astype(np.float32)
    scale = PANEL_HEIGHT / image.shape[0]
    columns, rows = (
        np.rint(((np.arange(n) + 0.5) / scale - 0.5) / px).astype(int)
        for n, px in zip(base.shape[1::-1], cell_px, strict=True)
    )
    # Beyond the last cell's square there is nothing to show.
    padded = np.pad(heatmap, 1)
    rows = np.clip(rows, -1, heatmap.shape[0]) + 1
    columns = np.clip(columns, -1, heatmap.shape[1]) + 1
    heat = padded[np.ix_(rows, columns)].clip(0, 1)
    colour = cv2.applyColorMap((heat * 255).astype(np.uint8), cv2.COLORMAP_INFERNO)
    alpha = np.sqrt(heat)[..., None]
    mixed = 0.75 * base * (1 - alpha) + colour * alpha
    return mixed.clip(0, 255).astype(np.uint8)


def draw_heatmap_grid(
    image: np.ndarray,
    target: JointMaps,
    predicted: JointMaps,
    names: Sequence[str],
    sigmas: Sequence[float] | None,
    cell_px: Sequence[float],
    title: str,
    columns: int = 5,
) -> np.ndarray:
    """One panel per joint: target on the left, prediction on the right.

    Args:
        image: (h, w, 3) uint8 BGR, the crop the network saw.
        target, predicted: of the K joints.
        names: K joint names.
        sigmas: K sigmas in cells, or None where the codec has none.
        cell_px: the codec's `scale_factor`, input px per cell along x and y.
        title: first line of the picture.
        columns: panels in a row.

    Returns:
        (height, width, 3) uint8 BGR.

    Raises:
        ValueError: the number of joints is not the same everywhere.
    """
    labelled = target.labelled
    if labelled is None:
        labelled = np.ones(len(target.heatmaps), bool)
    counts = {
        'target': len(target.heatmaps),
        'predicted': len(predicted.heatmaps),
        'labelled': len(labelled),
        'target_px': len(target.joints_px),
        'predicted_px': len(predicted.joints_px),
        'names': len(names),
    }
    if len(set(counts.values())) != 1:
        raise ValueError(f'the number of joints differs: {counts}')
    scale = PANEL_HEIGHT / image.shape[0]
    (height, width), (rows, cells) = image.shape[:2], target.heatmaps.shape[1:]
    size = f'{width}x{height} px, heatmaps {cells}x{rows} cells'
    panels = [Panel(resize_crop(image), 'input crop', size)]
    # crosses leave out what they mark: 3 sigma, of a codec that states none 2 cells each
    holes = [3 * cell_px[0] * scale * s for s in (sigmas or [2.0] * len(names))]
    for k, name in enumerate(names):
        left, right = (
            overlay_heatmap(image, maps.heatmaps[k], cell_px)
            for maps in (target, predicted)
        )
        note = f'peak {predicted.heatmaps[k].max():.2f}'
        if sigmas is not None:
            note = f'sigma {sigmas[k]:.2f} cells, {note}'
        if predicted.notes is not None and predicted.notes[k]:
            note = f'{note}, {predicted.notes[k]}'
        if labelled[k]:
            for side in (left, right):
                at = (target.joints_px[k] + 0.5) * scale - 0.5
                draw_open_cross(side, at, TARGET_MARK, min(holes[k], MAX_HOLE))
        else:
            note = f'{note}, not labelled'
            left = (left * 0.4 + 255 * 0.6).astype(np.uint8)
        at = (predicted.joints_px[k] + 0.5) * scale - 0.5
        draw_open_cross(right, at, PREDICTED_MARK, min(holes[k], MAX_HOLE))
        gap = np.full((PANEL_HEIGHT, 4, 3), 255, np.uint8)
        pair = np.hstack([left, gap, right])
        panels.append(Panel(pair, name.replace('_', ' '), note))
    return lay_out_panels(panels, title, LEGEND, columns)
