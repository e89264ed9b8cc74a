"""Which function draws the targets of one person (pure numpy)."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from gm_pose.ops.array_types import BoolArray, FloatArray
from gm_pose.ops.gaussian_patches import draw_rounded, make_patches
from gm_pose.ops.gaussian_targets import draw_exact, draw_legacy_msra, make_exact_grid

__all__ = ['Drawer', 'make_drawer']

Drawer: TypeAlias = Callable[
    [FloatArray, BoolArray], tuple[NDArray[np.float32], BoolArray]
]
"""Joints (K, 2) in cells, labelled (K,) -> maps (K, H, W), which overlap the map (K,)."""


def make_drawer(
    sigmas: Sequence[float], heatmap_size: tuple[int, int], placement: str
) -> Drawer:
    """Sigmas (K,) or (1,) in cells, map size [W, H], placement -> what draws targets.

    Args:
        sigmas: in cells.
        heatmap_size: [W, H].
        placement: 'exact', 'rounded' or 'legacy_msra', as in `BatchTargets`.

    Example:
        >>> draw = make_drawer([0.7], (6, 5), 'exact')
        >>> maps, overlaps_map = draw(np.array([[3.25, 2.0]]), np.array([True]))
        >>> print(maps[0, 2].round(2), overlaps_map)
        [0.   0.01 0.2  0.94 0.56 0.04] [ True]
    """
    if placement == 'exact':
        grid = make_exact_grid(sigmas, heatmap_size)
        return partial(draw_exact, grid=grid, heatmap_size=heatmap_size)
    if placement == 'rounded':
        patches = make_patches(sigmas, heatmap_size)
        return partial(draw_rounded, patches=patches, heatmap_size=heatmap_size)
    return partial(draw_legacy_msra, sigmas=sigmas, heatmap_size=heatmap_size)
