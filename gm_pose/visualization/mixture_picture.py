"""Which width a Gaussian mixture chooses where, over the crop the network saw."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

FONT = cv2.FONT_HERSHEY_SIMPLEX
INK, PALE, PAPER = (40, 40, 40), (120, 120, 120), (255, 255, 255)
MARK = (255, 255, 255)  # BGR
PANEL_HEIGHT = 208
_LABEL, _GAP, _HEADER = 40, 12, 68


def overlay_field(
    image: np.ndarray, field: np.ndarray, low: float, high: float, height: int
) -> np.ndarray:
    """Colour `field` (H, W) from `low` (violet) to `high` (yellow) over a grey `image`.

    Cells are squares, without smoothing: a block's map has few of them.

    Args:
        image: (h, w, 3) uint8 BGR.
        height: of the result in px; the width keeps the image's shape.
    """
    size = (round(image.shape[1] * height / image.shape[0]), height)
    grey = cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR)
    base = cv2.resize(grey, size, interpolation=cv2.INTER_LINEAR)
    # A flat field (one component) is drawn in the middle of the scale.
    share = (field - low) / (high - low) if high > low else np.full_like(field, 0.5)
    levels = (share.clip(0, 1) * 255).astype(np.uint8)
    colour = cv2.applyColorMap(levels, cv2.COLORMAP_VIRIDIS)
    colour = cv2.resize(colour, size, interpolation=cv2.INTER_NEAREST)
    return cv2.addWeighted(base, 0.45, colour, 0.55, 0)


def draw_mixture(
    image: np.ndarray,
    weights: np.ndarray,
    mean_sigmas: np.ndarray,
    sigmas: np.ndarray,
    title: str,
    names: Sequence[str] | None = None,
    notes: Sequence[str] | None = None,
    marks_px: np.ndarray | None = None,
    columns: int = 6,
) -> np.ndarray:
    """One mixture of one image -> picture (height, width, 3) uint8 BGR.

    One group: crop, chosen width, then the weight of each component. Several groups
    (joints): crop, then the chosen width of each group, on one scale for all.

    Args:
        image: (h, w, 3) uint8 BGR, the crop.
        weights: (G, M, H, W), adding up to 1 over M.
        mean_sigmas: (G, H, W), the chosen width in cells.
        sigmas: (M,) or (G, M), the components' widths in cells.
        title: first line of the picture.
        names: G group names.
        notes: G further remarks, one for each group.
        marks_px: (G, 2), a cross for each group in crop px [x, y].

    Raises:
        ValueError: the number of groups is not the same everywhere.
    """
    counts = {'weights': len(weights), 'mean_sigmas': len(mean_sigmas)}
    for key, value in (('names', names), ('notes', notes), ('marks_px', marks_px)):
        if value is not None:
            counts[key] = len(value)
    if sigmas.ndim == 2:
        counts['sigmas'] = len(sigmas)
    if len(set(counts.values())) != 1:
        raise ValueError(f'the number of groups differs: {counts}')

    low, high = float(mean_sigmas.min()), float(mean_sigmas.max())
    crop = cv2.resize(image, _find_panel_size(image))
    height, width = mean_sigmas.shape[1:]
    panels = [(crop, 'input crop', f'map of {width}x{height} cells')]
    for group, field in enumerate(mean_sigmas):
        panel = overlay_field(image, field, low, high, PANEL_HEIGHT)
        if marks_px is not None:
            _cross(panel, marks_px[group] * PANEL_HEIGHT / image.shape[0])
        name = 'chosen width' if names is None else names[group].replace('_', ' ')
        note = f'{field.min():.3f} to {field.max():.3f}'
        note = note if notes is None else f'{note}, {notes[group]}'
        panels.append((panel, name, note))
    scale = f'chosen width: violet {low:.3f}, yellow {high:.3f} feature-map cells'
    if len(weights) == 1:
        # One scale for all components, but not 0 to 1: early on all are near 1 / M.
        least, most = float(weights.min()), float(weights.max())
        scale += f'; weights: violet {least:.3f}, yellow {most:.3f}'
        for component, field in enumerate(weights[0]):
            panel = overlay_field(image, field, least, most, PANEL_HEIGHT)
            sigma = sigmas.reshape(-1)[component]
            note = f'{field.min():.3f} to {field.max():.3f}'
            panels.append((panel, f'weight of {sigma:.2f} cells', note))
    return _lay_out(panels, title, scale, columns)


def _find_panel_size(image: np.ndarray) -> tuple[int, int]:
    """Panel's [w, h] in px for a crop."""
    return round(image.shape[1] * PANEL_HEIGHT / image.shape[0]), PANEL_HEIGHT


def _lay_out(
    panels: list[tuple[np.ndarray, str, str]], title: str, legend: str, columns: int
) -> np.ndarray:
    """Panels with two lines of text above each, row by row under a title."""
    cell_w = max(panels[0][0].shape[1], 170) + _GAP
    cell_h = PANEL_HEIGHT + _LABEL + _GAP
    columns = max(min(columns, len(panels)), 3)  # wide enough for the title
    rows = -(-len(panels) // columns)
    shape = (_HEADER + rows * cell_h, columns * cell_w + _GAP, 3)
    sheet = np.full(shape, PAPER, np.uint8)
    _write(sheet, title, _GAP, 26, 0.55, INK)
    _write(sheet, legend, _GAP, 50, 0.45, PALE)
    for index, (panel, name, note) in enumerate(panels):
        x = _GAP + index % columns * cell_w
        y = _HEADER + index // columns * cell_h
        _write(sheet, name, x, y + 14, 0.45, INK)
        _write(sheet, note, x, y + 32, 0.36, PALE)
        sheet[y + _LABEL : y + _LABEL + panel.shape[0], x : x + panel.shape[1]] = panel
    return sheet


def _cross(panel: np.ndarray, at: np.ndarray) -> None:
    """A cross with a dark rim at `at` [x, y] px of `panel`."""
    centre = (round(float(at[0])), round(float(at[1])))
    cv2.drawMarker(panel, centre, (0, 0, 0), cv2.MARKER_CROSS, 15, 3, cv2.LINE_AA)
    cv2.drawMarker(panel, centre, MARK, cv2.MARKER_CROSS, 13, 1, cv2.LINE_AA)


def _write(
    sheet: np.ndarray, text: str, x: int, y: int, size: float, colour: tuple[int, ...]
) -> None:
    """A line of text; `y` is its baseline."""
    cv2.putText(sheet, text, (x, y), FONT, size, colour, 1, cv2.LINE_AA)
