"""How large a sigma can be meant."""

from collections.abc import Sequence

from gm_pose.ops.array_types import FloatArray

__all__ = ['require_sigmas_fit']


def require_sigmas_fit(
    sigmas_cells: FloatArray,
    joint_names: Sequence[str] | None,
    heatmap_size: tuple[int, int],
) -> None:
    """Refuse sigmas (K,) in cells above a quarter of the shorter side of the map [W, H].

    From the map's center its nearer edges are then less than 2 sigmas away: the Gaussian is
    above exp(-2) = 0.14 from one edge to the other, and no background is left. Such numbers
    are input px, or a mistyped decimal point.

    Raises:
        ValueError: for the largest one.

    Example:
        >>> import numpy as np
        >>> require_sigmas_fit(np.array([12.0]), None, (48, 64))  # the bound itself
    """
    bound = min(heatmap_size) / 4
    joint = int(sigmas_cells.argmax())
    sigma = float(sigmas_cells[joint])
    if sigma > bound:
        whose = f' of {joint_names[joint]!r}' if joint_names else ''
        raise ValueError(
            f'sigma{whose} is {sigma:g} cells; expected at most {bound:g}, a quarter of '
            f'the shorter side of the {heatmap_size[0]}x{heatmap_size[1]} heatmap. Fix: '
            'give cells, not input px'
        )
