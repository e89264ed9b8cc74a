"""Images with boxes that an export is checked and calibrated on."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gm_pose.inference.boxes import BoxCounts, BoxFinder, keep_usable
from gm_pose.inference.sources.frame import Frame
from gm_pose.runs.user_errors import UserError

__all__ = ['Sample', 'read_samples', 'render_samples']


@dataclass(frozen=True, eq=False)
class Sample:
    """One image.

    Attributes:
        image: (h, w, 3) uint8 BGR.
        boxes_px: (n, 4) x1, y1, x2, y2, n >= 1.
    """

    image: NDArray[np.uint8]
    boxes_px: NDArray[np.float32]


def read_samples(
    frames: Iterable[Frame], finder: BoxFinder, most_people: int
) -> list[Sample]:
    """The first people of a source; boxes that predictions leave out are left out here.

    Raises:
        UserError: there are none.
    """
    samples: list[Sample] = []
    left = most_people
    for frame in frames:
        boxes = finder.find(frame).boxes_px
        boxes = boxes[keep_usable(boxes, frame.size, BoxCounts())][:left]
        if len(boxes):
            samples.append(Sample(frame.image, boxes))
            left -= len(boxes)
        if left <= 0:
            break
    if not samples:
        raise UserError(
            'none of the images can be read and has boxes, so that nothing can be checked '
            'on them. Fix: give others with --images, or other --boxes'
        )
    return samples


def render_samples(images: int = 4, people: int = 3) -> list[Sample]:
    """Rendered people of the demo, the same each time."""
    from gm_pose.datasets.synthetic_people import make_scene

    samples = []
    for seed in range(images):
        scene = make_scene(np.random.default_rng(seed), people)
        boxes = np.array([a['bbox'] for a in scene.annotations], np.float32)
        boxes[:, 2:] += boxes[:, :2]
        samples.append(Sample(scene.image, boxes))
    return samples
