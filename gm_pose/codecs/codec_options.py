"""What the codec's options rule out among themselves."""

import warnings

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
