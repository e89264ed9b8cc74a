"""One person as the network sees it, and the joints of its dataset."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

__all__ = ['Person', 'Setup']


@dataclass(frozen=True)
class Setup:
    """What all people of a config share.

    Attributes:
        names: K joint names.
        flip_indices: (K,), the joint that each becomes in a mirrored image.
        links: pairs of joint indices.
        sigmas_cells: (K,), None for a codec that states none.
        cell_px: input px per cell, along x and y.
        heatmap_size: [W, H] in cells.
        input_size: [w, h] in px.
        codec: its description.
        source: where crops come from: the fast lane or MMPose's pipeline.
    """

    names: Sequence[str]
    flip_indices: Sequence[int]
    links: Sequence[tuple[int, int]]
    sigmas_cells: NDArray[np.float64] | None
    cell_px: tuple[float, float]
    heatmap_size: tuple[int, int]
    input_size: tuple[int, int]
    codec: str
    source: str


@dataclass(frozen=True)
class Person:
    """One crop, its joints and their targets.

    Attributes:
        image: (h, w, 3) uint8 BGR, the crop.
        heatmaps: (K, H, W) targets, peaks at 1.
        weights: (K,) of the loss.
        joints_px: (K, 2) px of the crop.
        labelled: (K,) bool.
        image_path: file of the whole image.
        id: of the annotation, None where the pipeline keeps none.
    """

    image: NDArray[np.uint8]
    heatmaps: NDArray[np.float32]
    weights: NDArray[np.float32]
    joints_px: NDArray[np.float64]
    labelled: NDArray[np.bool_]
    image_path: str
    id: int | None

    @property
    def name(self) -> str:
        """Image and annotation, for titles and files."""
        stem = Path(self.image_path).stem
        return stem if self.id is None else f'{stem}, person {self.id}'
