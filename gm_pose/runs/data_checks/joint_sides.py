"""Which joints are each other's left and right, by their names."""

from __future__ import annotations

import re
from collections.abc import Sequence

__all__ = ['find_counterparts']

LEFT = ('left', 'lft', 'lt', 'l')
RIGHT = ('right', 'rght', 'rgt', 'rt', 'r')
_SIDE_OF = {**dict.fromkeys(LEFT, 'left'), **dict.fromkeys(RIGHT, 'right')}
# Words end at a change of case, a digit, a separator, a change of script.
_WORD = re.compile(r'[A-Z]+(?![a-z])|[A-Z]?[a-z]+')
# Of names in one word: `lefteye`
_INSIDE = re.compile('left|right', re.IGNORECASE)


def _split_side(name: str) -> tuple[str, tuple[str, str]] | None:
    """'L_Eye' -> 'left', ('', '_eye'); None without a side, or with two."""
    words = [m for m in _WORD.finditer(name) if m[0].lower() in _SIDE_OF]
    words = words or list(_INSIDE.finditer(name))
    if len(words) != 1:
        return None
    (word,) = words
    rest = name[: word.start()].lower(), name[word.end() :].lower()
    return _SIDE_OF[word[0].lower()], rest


def find_counterparts(names: Sequence[str]) -> dict[int, int]:
    """K joint names -> index of a joint to index of the same joint of the other side.

    A side is one word of a name: 'left_eye', 'LeftEye', 'eye_l', 'L-Eye', 'lft eye'. Joints
    with no side in their names, or two ('right_eye_left_corner'), or without exactly one
    counterpart are left out: names such as '17' or 'near_hip' say nothing about sides.

    Example:
        >>> find_counterparts(['nose', 'L_Eye', 'R_Eye', 'upright'])
        {1: 2, 2: 1}
    """
    joints: dict[tuple[str, str], dict[str, list[int]]] = {}
    for index, name in enumerate(names):
        found = _split_side(name)
        if found is not None:
            side, rest = found
            joints.setdefault(rest, {}).setdefault(side, []).append(index)
    pairs = {}
    for sides in joints.values():
        left, right = sides.get('left', []), sides.get('right', [])
        if len(left) == len(right) == 1:
            pairs[left[0]], pairs[right[0]] = right[0], left[0]
    return dict(sorted(pairs.items()))
