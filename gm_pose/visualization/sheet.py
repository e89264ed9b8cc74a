"""A sheet of labelled panels under a title, and the marks on a panel (OpenCV, BGR)."""

from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np

FONT = cv2.FONT_HERSHEY_SIMPLEX
INK, PALE, PAPER = (40, 40, 40), (120, 120, 120), (255, 255, 255)
RED = (30, 30, 200)
PANEL_HEIGHT = 208  # of the panels that show one person's crop, px
_LABEL, _GAP, _HEADER = 40, 12, 68
_ALERT = 16  # height of the line for alerts, where a panel has one
_TITLE_SCALE, _TEXT_SCALE, _NOTE_SCALE = 0.55, 0.45, 0.36


class Panel(NamedTuple):
    """A picture (h, w, 3) uint8 and the two lines of text above it; `alert` is in red."""

    picture: np.ndarray
    name: str
    note: str
    alert: str = ''


def resize_crop(image: np.ndarray) -> np.ndarray:
    """Crop (h, w, 3) -> the same `PANEL_HEIGHT` px high."""
    size = round(image.shape[1] * PANEL_HEIGHT / image.shape[0]), PANEL_HEIGHT
    return cv2.resize(image, size, interpolation=cv2.INTER_LINEAR)


def fade_crop(image: np.ndarray) -> np.ndarray:
    """Crop (h, w, 3) -> the same in grey, `PANEL_HEIGHT` px high, to draw on."""
    grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
    return resize_crop(cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR))


def draw_cross(
    panel: np.ndarray, at: np.ndarray, colour: tuple[int, int, int] = PAPER
) -> None:
    """A cross with a dark rim at `at` [x, y] px of `panel`."""
    centre = tuple(int(c) for c in np.rint(at))
    cv2.drawMarker(panel, centre, (0, 0, 0), cv2.MARKER_CROSS, 15, 3, cv2.LINE_AA)
    cv2.drawMarker(panel, centre, colour, cv2.MARKER_CROSS, 13, 1, cv2.LINE_AA)


def draw_open_cross(
    panel: np.ndarray,
    at: np.ndarray,
    colour: tuple[int, int, int] = PAPER,
    hole: float = 7.0,
) -> None:
    """Four ticks around `at` [x, y] px of `panel`, `hole` px from it: it stays visible."""
    inner, outer = round(hole), round(hole) + 7
    x, y = (int(c) for c in np.rint(at))
    for width, shade in ((3, (0, 0, 0)), (1, colour)):
        for dx, dy in ((1, 0), (-1, 0), (0, 1), (0, -1)):
            start, end = ((x + dx * r, y + dy * r) for r in (inner, outer))
            cv2.line(panel, start, end, shade, width, cv2.LINE_AA)


def lay_out_panels(
    panels: Sequence[Panel], title: str, legend: str, columns: int
) -> np.ndarray:
    """Panels -> sheet (height, width, 3) uint8, row by row under title and legend."""
    columns = min(columns, len(panels))
    cell_w = max(170, *(panel.picture.shape[1] for panel in panels)) + _GAP
    label = _LABEL + _ALERT * any(panel.alert for panel in panels)
    cell_h = label + max(panel.picture.shape[0] for panel in panels) + _GAP
    rows = -(-len(panels) // columns)
    widths = [columns * cell_w + _GAP]
    for text, scale in ((title, _TITLE_SCALE), (legend, _TEXT_SCALE)):
        widths.append(cv2.getTextSize(text, FONT, scale, 1)[0][0] + 2 * _GAP)
    sheet = np.full((_HEADER + rows * cell_h, max(widths), 3), PAPER, np.uint8)
    _write(sheet, title, _GAP, 26, _TITLE_SCALE, INK)
    _write(sheet, legend, _GAP, 50, _TEXT_SCALE, PALE)
    for index, (picture, name, note, alert) in enumerate(panels):
        x = _GAP + index % columns * cell_w
        y = _HEADER + index // columns * cell_h
        _write(sheet, name, x, y + 14, _TEXT_SCALE, INK)
        _write(sheet, note, x, y + 32, _NOTE_SCALE, PALE)
        if alert:
            _write(sheet, _shorten(alert, cell_w - _GAP), x, y + 48, _NOTE_SCALE, RED)
        height, width = picture.shape[:2]
        sheet[y + label : y + label + height, x : x + width] = picture
    return sheet


def _shorten(text: str, width: int) -> str:
    """What of an alert is no wider than its cell, with dots where it ends early."""
    kept = text
    while kept and cv2.getTextSize(kept, FONT, _NOTE_SCALE, 1)[0][0] > width:
        kept = kept.removesuffix('...')[:-1] + '...'
    return kept


def _write(
    sheet: np.ndarray,
    text: str,
    x: int,
    baseline: int,
    scale: float,
    colour: tuple[int, int, int],
) -> None:
    cv2.putText(sheet, text, (x, baseline), FONT, scale, colour, 1, cv2.LINE_AA)
