"""Annotated and detected people of a data set as arrays, one row a person."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ['DetectedPeople', 'TruePeople']


@dataclass(frozen=True)
class TruePeople:
    """Annotated people, in the order of their file. Lengths in image px.

    Attributes:
        image_ids: (G,) int64.
        category_ids: (G,) int64.
        keypoints: (G, K, 3) float64, x, y and visibility; above 0 is labelled.
        bboxes: (G, 4) float64, x, y, w, h.
        areas: (G,) float64 in px^2, what scales the OKS and sorts people into sizes.
        is_crowd: (G,) bool. A crowd takes any number of detections, and none counts.
    """

    image_ids: NDArray[np.int64]
    category_ids: NDArray[np.int64]
    keypoints: NDArray[np.float64]
    bboxes: NDArray[np.float64]
    areas: NDArray[np.float64]
    is_crowd: NDArray[np.bool_]

    def take(self, rows: np.ndarray) -> 'TruePeople':
        """The people of these rows, in their order."""
        return TruePeople(*(getattr(self, name)[rows] for name in self.__annotations__))


@dataclass(frozen=True)
class DetectedPeople:
    """Detected people, in the order of their file. Lengths in image px.

    Attributes:
        image_ids: (D,) int64.
        category_ids: (D,) int64.
        keypoints: (D, K, 3) float64, x, y and score. Where no score is above 0 nothing
            was found, and xtcocotools drops the detection.
        areas: (D,) float64 in px^2. Decides which size a wrong detection counts in.
        scores: (D,) float64.
    """

    image_ids: NDArray[np.int64]
    category_ids: NDArray[np.int64]
    keypoints: NDArray[np.float64]
    areas: NDArray[np.float64]
    scores: NDArray[np.float64]

    def take(self, rows: np.ndarray) -> 'DetectedPeople':
        """The people of these rows, in their order."""
        return DetectedPeople(
            *(getattr(self, name)[rows] for name in self.__annotations__)
        )
