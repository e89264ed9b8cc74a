"""The sigma of OKS's own Gaussian, in heatmap cells (pure numpy).

OKS of a joint is ``exp(-d^2 / (2 area (2 s_k)^2))`` (cocoeval.py), a Gaussian of sigma
``2 s_k sqrt(area)`` around the true place. The crop makes people of all sizes about equally
large: one sigma per joint, in cells, is right within a quarter for most.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from gm_pose.ops.annotated_people import read_area

# MMPose's GetBBoxCenterScale
BOX_PADDING = 1.25


def measure_mean_oks_sigma(
    annotations: Iterable[dict[str, Any]],
    oks_sigmas: Sequence[float],
    heatmap_size: tuple[int, int],
    padding: float = BOX_PADDING,
) -> float:
    """COCO-style annotations -> mean sigma over the joints of a median person, in cells.

    The `mean` of ``decode_sigmas=dict(oks=..., mean=...)``: ``2 mean(s_k)`` times the
    median over people of ``sqrt(area) W / w``, w the width in px of the person's crop.

    Args:
        annotations: with ``bbox`` [x, y, w, h] in px, ``area`` in px^2 (without one, 0.53
            times the box) and ``keypoints``; crowds and people without a visible joint do
            not count.
        oks_sigmas: (K,) the metric's constants.
        heatmap_size: [W, H] of the crop, in cells.
        padding: factor of the box, as the pipeline's `GetBBoxCenterScale` has it.

    Raises:
        ValueError: nobody has joints, a box and an area.

    Example:
        100 px high, so 125 px for 64 cells; sqrt(area) is 50 px, 25.6 cells:

        >>> person = dict(bbox=[0, 0, 40, 100], area=2500, keypoints=[20, 50, 2])
        >>> round(measure_mean_oks_sigma([person], [0.1], heatmap_size=(48, 64)), 2)
        5.12
    """
    width, height = heatmap_size
    roots = []
    for annotation in annotations:
        if annotation.get('iscrowd') or not any(annotation.get('keypoints', ())[2::3]):
            continue
        box, area = annotation.get('bbox'), read_area(annotation)
        if not box or area <= 0 or min(box[2:]) <= 0:
            continue
        # TopdownAffine widens the box to the heatmap's aspect
        crop_width = padding * max(box[2], box[3] * width / height)
        roots.append(area**0.5 * width / crop_width)
    if not roots:
        raise ValueError('nobody in the annotations has joints, a box and an area')
    return float(2 * np.mean(oks_sigmas) * np.median(roots))
