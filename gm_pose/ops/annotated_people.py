"""What one annotation of COCO's keypoint format says of its person (pure numpy)."""

from collections.abc import Sequence
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

AREA_PER_BOX = 0.53

Floats = NDArray[np.float64]
Annotation = dict[str, Any]


def read_area(annotation: Annotation) -> float:
    """Annotation -> area of the person in px^2, from its box where it has none.

    Example:
        >>> round(read_area(dict(bbox=[0, 0, 10, 10])), 2)
        53.0
    """
    area = float(annotation.get('area') or 0)
    if area <= 0 and 'bbox' in annotation:
        _, _, width, height = annotation['bbox']
        area = AREA_PER_BOX * width * height
    return area


def read_joints(annotation: Annotation) -> tuple[Floats, NDArray[np.int64]]:
    """Annotation -> positions (K, 2) in px, visibilities (K,)."""
    triples = np.asarray(annotation['keypoints'], dtype=np.float64).reshape(-1, 3)
    return triples[:, :2], triples[:, 2].astype(np.int64)


def stack_joints(
    annotations: Sequence[Annotation], num_joints: int
) -> tuple[Floats, NDArray[np.int64]]:
    """N annotations -> positions (N, K, 2) in px, visibilities (N, K)."""
    rows = [annotation['keypoints'] for annotation in annotations]
    size = len(rows) * num_joints * 3
    values = np.fromiter(chain.from_iterable(rows), np.float64, size)
    triples = values.reshape(-1, num_joints, 3)
    return triples[..., :2], triples[..., 2].astype(np.int64)
