"""Which Gaussian a codec trains each joint's map on."""

from typing import Any

import numpy as np
from mmpose.codecs import MSRAHeatmap, UDPHeatmap
from numpy.typing import NDArray

from gm_pose.codecs.joint_adaptive_msra_heatmap import JointAdaptiveMSRAHeatmap
from gm_pose.ops.grids import compute_cell_sizes


def read_target_sigmas(codec: Any) -> NDArray[np.float64]:
    """A codec with one Gaussian map per joint -> sigmas (K,), or (1,) for all, in cells.

    Raises:
        ValueError: a codec of another kind, whose maps say something else.

    Example:
        >>> from mmpose.codecs import UDPHeatmap
        >>> read_target_sigmas(UDPHeatmap((192, 256), (48, 64), sigma=2))
        array([2.])
    """
    if isinstance(codec, JointAdaptiveMSRAHeatmap):
        return codec.sigmas_cells
    if isinstance(codec, MSRAHeatmap):
        return np.array([codec.sigma], dtype=np.float64)
    if isinstance(codec, UDPHeatmap) and codec.heatmap_type == 'gaussian':
        return np.array([codec.sigma], dtype=np.float64)
    if isinstance(codec, UDPHeatmap):
        kind = f'UDPHeatmap(heatmap_type={codec.heatmap_type!r})'
    else:
        kind = type(codec).__name__
    raise ValueError(
        f'the codec is {kind}; expected one Gaussian map per joint: MSRAHeatmap, '
        "UDPHeatmap(heatmap_type='gaussian') or JointAdaptiveMSRAHeatmap"
    )


def read_cell_px(codec: Any) -> NDArray[np.float64]:
    """A codec of `read_target_sigmas` -> input px per cell of what it decodes, (2,).

    UDPHeatmap's cells are ``w / (W - 1)`` px where they are decoded, see
    `gm_pose.ops.grids`.

    Example:
        >>> from mmpose.codecs import MSRAHeatmap
        >>> read_cell_px(MSRAHeatmap((192, 256), (48, 64), sigma=2))
        array([4., 4.])
    """
    grid = getattr(codec, 'grid', 'udp' if isinstance(codec, UDPHeatmap) else 'stride')
    sizes = compute_cell_sizes(grid, codec.input_size, codec.heatmap_size)
    return sizes.decode_px.astype(np.float64)
