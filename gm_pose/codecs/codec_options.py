"""What the codec's options rule out among themselves."""

import warnings
from collections.abc import Mapping
from dataclasses import dataclass

from gm_pose.ops.array_types import ArrayT

ALIGNMENTS = ('centered', 'legacy_msra')


def read_alignment(alignment: str, unbiased: bool, grid: str) -> str:
    """The codec's `alignment` -> one of ALIGNMENTS, fit for its other two options.

    Raises:
        ValueError: an unknown alignment, or the legacy one where MMPose has none.
    """
    if alignment == 'msra':
        warnings.warn(
            "alignment='msra' is now 'legacy_msra'; the next version refuses the old name",
            DeprecationWarning,
            stacklevel=3,
        )
        alignment = 'legacy_msra'
    if alignment not in ALIGNMENTS:
        raise ValueError(f'alignment is {alignment!r}; expected one of {ALIGNMENTS}')
    if alignment == 'legacy_msra' and (unbiased or grid != 'stride'):
        setting = 'unbiased=True' if unbiased else f'grid={grid!r}'
        raise ValueError(
            f"alignment is 'legacy_msra' with {setting}; expected 'centered' (MMPose "
            'misplaces only biased targets on its stride grid)'
        )
    return alignment


@dataclass(frozen=True)
class Foot:
    """A wider Gaussian below each joint's own.

    Attributes:
        share: of the wide one in the height of the target.
        factor: its sigma over the joint's.
    """

    share: float
    factor: float

    def mix(self, narrow: ArrayT, wide: ArrayT) -> ArrayT:
        """Maps of both -> the target."""
        return narrow * (1 - self.share) + wide * self.share


def read_foot(foot: Mapping[str, float] | None, unbiased: bool) -> Foot | None:
    """The codec's `foot`, checked.

    Raises:
        ValueError: keys other than share and factor, a value out of range, or biased
            targets.
    """
    if foot is None:
        return None
    if set(foot) != {'share', 'factor'}:
        raise ValueError(f'foot is {foot!r}; expected dict(share=0.4, factor=2.0)')
    if not 0 < foot['share'] < 1 or not foot['factor'] > 1:
        raise ValueError(
            f'foot is {foot!r}; expected a share between 0 and 1 and a factor above 1'
        )
    if not unbiased:
        raise ValueError('foot is set with unbiased=False. Fix: unbiased=True')
    return Foot(float(foot['share']), float(foot['factor']))
