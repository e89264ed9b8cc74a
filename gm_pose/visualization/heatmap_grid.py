"""Target and predicted heatmaps of one person, joint by joint, over the crop."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

FONT = cv2.FONT_HERSHEY_SIMPLEX
INK, PALE, PAPER = (40, 40, 40), (150, 150, 150), (255, 255, 255)
TARGET_MARK, PREDICTED_MARK = (80, 220, 80), (255, 255, 255)  # BGR
PANEL_HEIGHT = 208
_LABEL, _GAP, _HEADER = 40, 10, 64


def overlay_heatmap(
    image: np.ndarray, heatmap: np.ndarray, cell_px: Sequence[float], height: int
) -> np.ndarray:
    """Colour `heatmap` (H, W), 0 to 1, over a greyed `image` (h, w, 3) uint8.

    Cells are drawn as squares, without smoothing, around the place they stand for. Cell
    i is at pixel i * cell_px, not at (i + 0.5) * cell_px as a plain enlargement of the
    heatmap would have it: that draws everything half a cell too far right and down.

    Args:
        cell_px: the codec's `scale_factor`, input px per cell along x and y.
        height: of the result, px; the width keeps the image's shape.
    """
    scale = height / image.shape[0]
    size = (round(image.shape[1] * scale), height)
    grey = cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR)
    base = cv2.resize(grey, size, interpolation=cv2.INTER_LINEAR).astype(np.float32)
    columns, rows = (
        np.rint(((np.arange(n) + 0.5) / scale - 0.5) / px).astype(int)
        for n, px in zip(size, cell_px, strict=True)
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
    target: np.ndarray,
    predicted: np.ndarray,
    labelled: np.ndarray,
    target_px: np.ndarray,
    predicted_px: np.ndarray,
    names: Sequence[str],
    sigmas: Sequence[float] | None,
    cell_px: Sequence[float],
    title: str,
    columns: int = 5,
) -> np.ndarray:
    """One cell per joint: target on the left, prediction on the right.

    Args:
        image: (h, w, 3) uint8 BGR, the crop the network saw.
        target, predicted: (K, H, W).
        labelled: (K,) bool: joints that have a target.
        target_px, predicted_px: (K, 2) in crop px, marked by a cross.
        names: K joint names.
        sigmas: K sigmas in cells, or None where the codec has none.
        cell_px: the codec's `scale_factor`, input px per cell along x and y.
        title: first line of the picture.

    Returns:
        (height, width, 3) uint8 BGR.

    Raises:
        ValueError: if the number of joints is not the same everywhere.
    """
    counts = {
        'target': len(target),
        'predicted': len(predicted),
        'labelled': len(labelled),
        'target_px': len(target_px),
        'predicted_px': len(predicted_px),
        'names': len(names),
    }
    if len(set(counts.values())) != 1:
        raise ValueError(f'the number of joints differs: {counts}')
    scale = PANEL_HEIGHT / image.shape[0]
    width = round(image.shape[1] * scale)
    cell_w, cell_h = 2 * width + 4 + _GAP, PANEL_HEIGHT + _LABEL + _GAP
    count = len(names) + 1  # the crop itself comes first
    rows = -(-count // columns)
    shape = (rows * cell_h + _HEADER, columns * cell_w + _GAP, 3)
    sheet = np.full(shape, PAPER, np.uint8)
    _write(sheet, title, _GAP, 26, 0.62, INK)
    legend = (
        'each pair: target | prediction, both on the scale 0 to 1; crosses: '
        'true joint (green), predicted joint (white)'
    )
    _write(sheet, legend, _GAP, 50, 0.46, PALE)
    for index in range(count):
        x = _GAP + index % columns * cell_w
        y = _HEADER + index // columns * cell_h
        k = index - 1
        if k < 0:
            crop = cv2.resize(image, (width, PANEL_HEIGHT))
            _paste(sheet, crop, x + (width + 4) // 2, y + _LABEL)
            _write(sheet, 'input crop', x, y + 16, 0.48, INK)
            size = f'{image.shape[1]}x{image.shape[0]} px, heatmaps '
            size += f'{target.shape[2]}x{target.shape[1]} cells'
            _write(sheet, size, x, y + 34, 0.4, PALE)
            continue
        left = overlay_heatmap(image, target[k], cell_px, PANEL_HEIGHT)
        right = overlay_heatmap(image, predicted[k], cell_px, PANEL_HEIGHT)
        note = f'peak {predicted[k].max():.2f}'
        if sigmas is not None:
            note = f'sigma {sigmas[k]:.2f} cells, {note}'
        if labelled[k]:
            for panel in (left, right):
                _cross(panel, (target_px[k] + 0.5) * scale - 0.5, TARGET_MARK)
        else:
            note = f'{note}, not labelled'
            left = (left * 0.4 + 255 * 0.6).astype(np.uint8)
        _cross(right, (predicted_px[k] + 0.5) * scale - 0.5, PREDICTED_MARK)
        _paste(sheet, left, x, y + _LABEL)
        _paste(sheet, right, x + width + 4, y + _LABEL)
        _write(sheet, names[k].replace('_', ' '), x, y + 16, 0.48, INK)
        _write(sheet, note, x, y + 34, 0.4, PALE)
    return sheet


def _cross(panel: np.ndarray, at: np.ndarray, colour: tuple[int, int, int]) -> None:
    """A cross with a dark rim at `at` (x, y) px of `panel`."""
    centre = tuple(int(c) for c in np.rint(at))
    cv2.drawMarker(panel, centre, (0, 0, 0), cv2.MARKER_CROSS, 15, 3, cv2.LINE_AA)
    cv2.drawMarker(panel, centre, colour, cv2.MARKER_CROSS, 13, 1, cv2.LINE_AA)


def _paste(sheet: np.ndarray, panel: np.ndarray, x: int, y: int) -> None:
    sheet[y : y + panel.shape[0], x : x + panel.shape[1]] = panel


def _write(
    sheet: np.ndarray,
    text: str,
    x: int,
    y: int,
    size: float,
    colour: tuple[int, int, int],
) -> None:
    """A line of text; `y` is its baseline."""
    cv2.putText(sheet, text, (x, y), FONT, size, colour, 1, cv2.LINE_AA)
