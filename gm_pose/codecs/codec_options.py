"""The codec's options: what they rule out among themselves, and as they are printed."""

import warnings
from typing import Any

from gm_pose.codecs.dataset_metainfo import load_skeleton
from gm_pose.ops.decode_sigmas import resolve_decode_sigmas
from gm_pose.ops.joint_checks import format_per_joint
from gm_pose.ops.sigma_tables import ResolvedSigmas

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


def choose_placement(unbiased: bool, alignment: str) -> str:
    """The codec's options -> the placement of `gm_pose.ops.target_drawing`."""
    if unbiased:
        return 'exact'
    return 'legacy_msra' if alignment == 'legacy_msra' else 'rounded'


def read_decode_sigmas(
    decode_sigmas: Any,
    sigmas: Any,
    targets: ResolvedSigmas,
    heatmap_size: tuple[int, int],
    dataset: str | None,
    unbiased: bool,
) -> ResolvedSigmas:
    """The codec's arguments -> the sigmas that maps are read at; None: the targets'.

    Raises:
        ValueError: biased targets, or see `resolve_decode_sigmas`.
    """
    if decode_sigmas is None:
        return targets
    if not unbiased:
        raise ValueError(
            f'decode_sigmas is {decode_sigmas!r} with unbiased=False; expected '
            'None (a quarter cell fits no Gaussian). Fix: unbiased=True'
        )
    return resolve_decode_sigmas(
        decode_sigmas, sigmas, targets, heatmap_size, dataset, load_skeleton
    )


def describe_codec(codec: Any) -> str:
    """The codec as a log prints it, with resolved sigmas."""
    names = codec.joint_names
    options = ('input_size', 'heatmap_size', 'unbiased', 'alignment', 'balance_weights')
    parts = [f'{name}={getattr(codec, name)!r}' for name in (*options, 'grid')]
    parts.append(f'sigmas_cells={format_per_joint(codec.sigmas_cells, names)}')
    if codec.decode_sigmas is not None:
        cells = format_per_joint(codec.decode_sigmas_cells, names)
        parts.append(f'decode_sigmas_cells={cells}')
    if codec.score != 'peak':
        parts.append(f'score={codec.score!r}')
    return f'{type(codec).__name__}({", ".join(parts)})'
