"""Which Gaussian a codec trains each joint's map on."""

from typing import Any

import numpy as np
from mmpose.codecs import MSRAHeatmap, UDPHeatmap
from numpy.typing import NDArray

from gm_pose.codecs.joint_adaptive_msra_heatmap import JointAdaptiveMSRAHeatmap


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
