"""Which sigma a Gaussian mixture chooses where, over the crop the network saw."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from gm_pose.visualization.sheet import (
    PANEL_HEIGHT,
    Panel,
    draw_cross,
    fade_crop,
    lay_out_panels,
    resize_crop,
)


@dataclass(frozen=True)
class JointLabels:
    """What a mixture with G groups, one for each joint, is labelled with.

    Attributes:
        names: G joint names.
        notes: G further remarks.
        marks_px: (G, 2), a cross for each joint in crop px [x, y].
    """

    names: Sequence[str]
    notes: Sequence[str]
    marks_px: np.ndarray


def overlay_field(
    image: np.ndarray, field: np.ndarray, low: float, high: float
) -> np.ndarray:
    """Field (H, W) from `low` (violet) to `high` (yellow) over a greyed crop -> panel.

    Cells are squares, without smoothing: a block's map has few of them.

    Args:
        image: (h, w, 3) uint8 BGR.
    """
    base = fade_crop(image)
    # A flat field (one component) is drawn in the middle of the scale.
    share = (field - low) / (high - low) if high > low else np.full_like(field, 0.5)
    levels = (share.clip(0, 1) * 255).astype(np.uint8)
    colour = cv2.applyColorMap(levels, cv2.COLORMAP_VIRIDIS)
    size = base.shape[1::-1]
    colour = cv2.resize(colour, size, interpolation=cv2.INTER_NEAREST)
    return cv2.addWeighted(base, 0.45, colour, 0.55, 0)


def draw_mixture(
    image: np.ndarray,
    weights: np.ndarray,
    mean_sigmas: np.ndarray,
    sigmas: np.ndarray,
    title: str,
    joints: JointLabels | None = None,
    columns: int = 6,
) -> np.ndarray:
    """One mixture of one image -> picture (height, width, 3) uint8 BGR.

    One group: crop, chosen sigma, then the weight of each component. Several groups
    (joints): crop, then the chosen sigma of each group, on one scale for all.

    Args:
        image: (h, w, 3) uint8 BGR, the crop.
        weights: (G, M, H, W), adding up to 1 over M.
        mean_sigmas: (G, H, W), the chosen sigma in cells.
        sigmas: (M,) or (G, M), the components' sigmas in cells.
        title: first line of the picture.
        joints: labels where the groups are joints.
        columns: panels in a row.

    Raises:
        ValueError: the number of groups is not the same everywhere.
    """
    counts = {'weights': len(weights), 'mean_sigmas': len(mean_sigmas)}
    if joints is not None:
        counts |= {key: len(value) for key, value in vars(joints).items()}
    if sigmas.ndim == 2:
        counts['sigmas'] = len(sigmas)
    if len(set(counts.values())) != 1:
        raise ValueError(f'the number of groups differs: {counts}')

    low, high = float(mean_sigmas.min()), float(mean_sigmas.max())
    height, width = mean_sigmas.shape[1:]
    size = f'map of {width}x{height} cells'
    panels = [Panel(resize_crop(image), 'input crop', size)]
    for group, field in enumerate(mean_sigmas):
        picture = overlay_field(image, field, low, high)
        name, note = 'chosen sigma', f'{field.min():.3f} to {field.max():.3f}'
        if joints is not None:
            draw_cross(picture, joints.marks_px[group] * PANEL_HEIGHT / image.shape[0])
            name = joints.names[group].replace('_', ' ')
            note = f'{note}, {joints.notes[group]}'
        panels.append(Panel(picture, name, note))
    scale = f'chosen sigma: violet {low:.3f}, yellow {high:.3f} feature-map cells'
    if len(weights) == 1:
        # One scale for all components, but not 0 to 1: early on all are near 1 / M.
        least, most = float(weights.min()), float(weights.max())
        scale += f'; weights: violet {least:.3f}, yellow {most:.3f}'
        for sigma, field in zip(sigmas.reshape(-1), weights[0], strict=True):
            picture = overlay_field(image, field, least, most)
            note = f'{field.min():.3f} to {field.max():.3f}'
            panels.append(Panel(picture, f'weight of sigma {sigma:.2f}', note))
    return lay_out_panels(panels, title, scale, columns)
