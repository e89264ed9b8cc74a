"""Which input px a heatmap cell stands for: MMPose has two grids (pure numpy).

'stride': cell c is px ``c w / W``. `MSRAHeatmap` and the plain crop of `TopdownAffine`.

'udp': the first and the last cell are the edges of the box, cell c the fraction
``c / (W - 1)`` of it. `UDPHeatmap` and ``TopdownAffine(use_udp=True)``. That crop has the
far edge at px w - 1, so targets are drawn at px ``c (w - 1) / (W - 1)``. MMPose's estimator
divides what a codec decodes by w, not by w - 1, so predictions are ``c w / (W - 1)``:
decoding what was encoded is off by ``w / (w - 1)`` in input px and exact in the image.

Sizes are [W, H] in cells, [w, h] in px.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

GRIDS = ('stride', 'udp')


class CellSizes(NamedTuple):
    """Input px per heatmap cell along x and y, float32 as in MMPose.

    Attributes:
        encode_px: (2,), where targets are drawn.
        decode_px: (2,), what predictions are scaled by.
    """

    encode_px: NDArray[np.float32]
    decode_px: NDArray[np.float32]


def compute_cell_sizes(
    grid: str, input_size: Sequence[int], heatmap_size: Sequence[int]
) -> CellSizes:
    """Grid, [w, h] in px, [W, H] in cells -> px per cell.

    Raises:
        ValueError: an unknown grid, or a side of one cell, which has no 'udp' grid.

    Example:
        >>> compute_cell_sizes('stride', (192, 256), (48, 64)).encode_px.tolist()
        [4.0, 4.0]
        >>> compute_cell_sizes('udp', (95, 127), (48, 64)).encode_px.tolist()
        [2.0, 2.0]
    """
    if grid not in GRIDS:
        raise ValueError(f'grid is {grid!r}; expected one of {GRIDS}')
    px, cells = np.array(input_size), np.array(heatmap_size)
    if grid == 'stride':
        stride = (px / cells).astype(np.float32)
        return CellSizes(stride, stride)
    if cells.min() < 2:
        raise ValueError(
            f'heatmap_size is {tuple(heatmap_size)}; expected two cells or more a side. '
            "Fix: grid='stride'"
        )
    return CellSizes(
        ((px - 1) / (cells - 1)).astype(np.float32),
        (px / (cells - 1)).astype(np.float32),
    )


def require_size(size: Sequence[int], name: str) -> tuple[int, int]:
    """Two whole numbers above 0 -> the same as ints.

    Raises:
        ValueError: anything else.
    """
    if len(size) != 2 or not all(int(n) == n and n > 0 for n in size):
        raise ValueError(f'{name} is {size!r}; expected two whole numbers > 0')
    return int(size[0]), int(size[1])
