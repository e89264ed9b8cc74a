"""Which part of a frame each person is looked for in."""

from gm_pose.inference.boxes.box_finder import (
    BoxFinder,
    FoundBoxes,
    GivenBoxes,
    WholeImage,
)
from gm_pose.inference.boxes.box_rules import BoxCounts, keep_usable
from gm_pose.inference.boxes.open_boxes import open_boxes

__all__ = [
    'BoxCounts',
    'BoxFinder',
    'FoundBoxes',
    'GivenBoxes',
    'WholeImage',
    'keep_usable',
    'open_boxes',
]
