"""Which part of a frame each person is looked for in."""

from gm_pose.inference.boxes.box_finder import (
    BoxFinder,
    FoundBoxes,
    GivenBoxes,
    WholeImage,
    open_boxes,
)
from gm_pose.inference.boxes.box_rules import BoxCounts, keep_usable

__all__ = [
    'BoxCounts',
    'BoxFinder',
    'FoundBoxes',
    'GivenBoxes',
    'WholeImage',
    'keep_usable',
    'open_boxes',
]
