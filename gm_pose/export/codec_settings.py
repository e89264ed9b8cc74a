"""What a graph must know of a model's codec to decode its maps."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from gm_pose.ops.heatmap_blur import Blur
from gm_pose.runs.user_errors import UserError

__all__ = ['CodecSettings', 'read_codec']


@dataclass(frozen=True, eq=False)
class CodecSettings:
    """How maps of (W, H) cells are decoded.

    Attributes:
        input_size: (w, h) px of the crop.
        heatmap_size: (W, H).
        refinement: 'quarter', 'matched', 'dark' or 'dark_udp'.
        cell_px: px of the crop per cell along x and y.
        target_sigmas_cells: K, or 1 for all joints: of the targets in training.
        decode_sigmas_cells: likewise, of the fit.
        blur: to larger sigmas before decoding, or None.
        blur_kernel_size: of DARK.
        mirrors_onto_itself: a mirrored picture's maps, mirrored back, fit cell for cell
            ('udp'); otherwise the picture is moved first, see `ops.aligned_flip`.
    """

    input_size: tuple[int, int]
    heatmap_size: tuple[int, int]
    refinement: str
    cell_px: tuple[float, float]
    target_sigmas_cells: tuple[float, ...]
    decode_sigmas_cells: tuple[float, ...] = (1.0,)
    blur: Blur | None = None
    blur_kernel_size: int = 11
    mirrors_onto_itself: bool = False


def read_codec(codec: Any) -> CodecSettings:
    """A head's decoder -> settings.

    Raises:
        UserError: a codec whose decoding cannot be exported.
    """
    kind = type(codec).__name__
    if kind not in ('JointAdaptiveMSRAHeatmap', 'MSRAHeatmap', 'UDPHeatmap'):
        raise UserError(
            f'the codec is {kind}; expected JointAdaptiveMSRAHeatmap, MSRAHeatmap or '
            'UDPHeatmap, whose decoding can be exported. Fix: --output maps (and decode '
            'the maps yourself)'
        )
    sizes: dict[str, Any] = dict(
        input_size=_read_size(codec.input_size),
        heatmap_size=_read_size(codec.heatmap_size),
    )
    if kind == 'JointAdaptiveMSRAHeatmap':
        return CodecSettings(
            **sizes,
            refinement='matched' if codec.unbiased else 'quarter',
            cell_px=_read_pair(codec._decode_px),
            target_sigmas_cells=tuple(codec.sigmas_cells.tolist()),
            decode_sigmas_cells=tuple(codec.decode_sigmas_cells.tolist()),
            blur=codec._blur,
            mirrors_onto_itself=codec.grid == 'udp',
        )
    common = dict(
        **sizes,
        target_sigmas_cells=(float(codec.sigma),),
        blur_kernel_size=int(codec.blur_kernel_size),
    )
    if kind == 'MSRAHeatmap':
        return CodecSettings(
            **common,
            refinement='dark' if codec.unbiased else 'quarter',
            cell_px=_read_pair(codec.scale_factor),
        )
    if codec.heatmap_type != 'gaussian':
        raise UserError(
            f'UDPHeatmap has heatmap_type={codec.heatmap_type!r}, whose decoding cannot be '
            "exported; expected 'gaussian'. Fix: --output maps (and decode the maps "
            'yourself)'
        )
    px, cells = np.array(codec.input_size), np.array(codec.heatmap_size)
    return CodecSettings(
        **common,
        refinement='dark_udp',
        cell_px=_read_pair(px / (cells - 1)),
        mirrors_onto_itself=True,
    )


def _read_size(size: Any) -> tuple[int, int]:
    return int(size[0]), int(size[1])


def _read_pair(values: Any) -> tuple[float, float]:
    return float(values[0]), float(values[1])
