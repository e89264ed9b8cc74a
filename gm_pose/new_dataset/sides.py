"""Which joints change places in a mirrored image: by name, checked by where they are."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from gm_pose.runs.data_checks.joint_sides import find_counterparts
from gm_pose.runs.user_errors import UserError

__all__ = ['check_pairs', 'choose_pairs', 'read_swaps']

MIN_PEOPLE = 10  # with both pairs labelled
DISAGREE = 0.7
"""Share of people from which two pairs count as crossed. Of a person who faces the camera
or turns away all pairs point the same way, and from the side by chance: half."""


def choose_pairs(
    names: Sequence[str], swaps: Sequence[tuple[str, str]] | None
) -> dict[int, int]:
    """Joint names, pairs that the user states -> index of a joint to its counterpart's."""
    if swaps is None:
        return find_counterparts(names)
    pairs: dict[int, int] = {}
    for left, right in swaps:
        for name in (left, right):
            if name not in names:
                raise UserError(
                    f'--swap names {name!r}; the joints are {", ".join(names)}'
                )
        a, b = names.index(left), names.index(right)
        if a == b or a in pairs or b in pairs:
            raise UserError(f'--swap {left}={right}: a joint has one counterpart')
        pairs[a], pairs[b] = b, a
    return pairs


def read_swaps(texts: Sequence[str] | None) -> list[tuple[str, str]] | None:
    """['left_ear=right_ear'] -> pairs of names; ['none'] -> no pair."""
    if texts is None:
        return None
    if list(texts) == ['none']:
        return []
    pairs = []
    for text in texts:
        left, equals, right = text.partition('=')
        if not (equals and left and right):
            raise UserError(f'--swap {text} is no pair; expected LEFT=RIGHT, or none')
        pairs.append((left, right))
    return pairs


def check_pairs(
    points_px: NDArray[np.float64],
    labelled: NDArray[np.bool_],
    pairs: dict[int, int],
    names: Sequence[str],
) -> list[str]:
    """Where the joints of a pair are -> what contradicts their names.

    The way from the right joint to the left one points the same way for all pairs of most
    people. A pair that points against most of the others is named the wrong way round.

    Args:
        points_px: (N, K, 2).
        labelled: (N, K).
        pairs: index of a joint to its counterpart's.
        names: K.
    """
    lefts = [(a, b) for a, b in pairs.items() if a < b]
    if len(lefts) < 3:  # of two that disagree nobody knows which one is wrong
        return []
    ways = np.stack([points_px[:, a] - points_px[:, b] for a, b in lefts], 1)
    known = np.stack([labelled[:, a] & labelled[:, b] for a, b in lefts], 1)
    against = np.full((len(lefts), len(lefts)), np.nan)
    for i in range(len(lefts)):
        for j in range(len(lefts)):
            both = known[:, i] & known[:, j]
            if i != j and both.sum() >= MIN_PEOPLE:
                dots = (ways[both, i] * ways[both, j]).sum(1)
                against[i, j] = float((dots < 0).mean())
    found = []
    for i, (a, b) in enumerate(lefts):
        others = against[i][np.isfinite(against[i])]
        if len(others) >= 2 and np.median(others) > DISAGREE:
            found.append(
                f'{names[a]} and {names[b]} lie the other way round than the other pairs '
                f'in {np.median(others):.0%} of the people: their names may be exchanged'
            )
    return found
