"""Separable Gaussian smoothing of feature maps, with gradients for the sigmas (torch).

Each axis is smoothed by a (size, size) matrix instead of a sliding kernel: shapes never
depend on the sigmas (so the function compiles and exports), any map from 1x1 up works, and
the border is handled inside the matrix.

Weights are the Gaussian's integral over each cell, not its value at the cell's centre.
A sigma of 2 heatmap cells is 0.25 cells on a ResNet's last map, where a
value at the centre of the next cell is 3e-4 of the peak and its gradient all but gone;
the integral over that cell is 0.023. For large sigmas the two agree, the integral adding
the variance of one cell (1/12).
"""

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

DEFAULT_TRUNCATE = 4.0

# Cells. Any map's rows are flat long before; beyond, float32 rounds all weights to 0.
LARGEST_SIGMA = 1e6


def make_smoothing_matrix(
    size: int, sigmas: 'Tensor', truncate: float = DEFAULT_TRUNCATE
) -> 'Tensor':
    """Sigmas (...) in cells -> smoothing matrices (..., size, size).

    ``matrix[i, j] = g(|i - j|) / sum_j g(|i - j|)`` with ``g(d)`` the integral of a
    Gaussian over ``[d - 1/2, d + 1/2]``, and ``g(d) = 0`` for ``d > ceil(truncate *
    sigma)``. Rows add up to 1 over the cells *on* the map: a constant stays constant up
    to the border.

    Truncation drops at most ``erfc(truncate / sqrt(2))`` of a row's mass (6.4e-5 at 4),
    so one axis moves an output by at most twice that times ``max |x|``.

    Args:
        size: number of cells along the axis, >= 1.
        sigmas: in cells, > 0, any shape.
        truncate: support on each side in sigmas; ``math.inf`` for none.

    Raises:
        ValueError: `truncate` is not above 0.

    Example:
        >>> import torch
        >>> make_smoothing_matrix(3, torch.tensor(0.5))
        tensor([[0.8114, 0.1870, 0.0016],
                [0.1577, 0.6845, 0.1577],
                [0.0016, 0.1870, 0.8114]])
    """
    return _normalize_rows(_lay_out_rows(_integrate_cells(size, sigmas, truncate)))


def _integrate_cells(count: int, sigmas: 'Tensor', truncate: float) -> 'Tensor':
    """Sigmas (...) -> ``g(0) ... g(count - 1)`` of `make_smoothing_matrix` (..., count)."""
    import torch

    if not truncate > 0:
        raise ValueError(
            f'truncate must be above 0 sigmas, got {truncate}: use {DEFAULT_TRUNCATE}, '
            'or math.inf for an untruncated kernel'
        )
    borders = torch.arange(count + 1, device=sigmas.device, dtype=sigmas.dtype) - 0.5
    sigmas = sigmas[..., None]
    # Not with erfc, which keeps the tails' digits but which ONNX does not have: erf
    # rounds a weight by 1e-7 of the row.
    below = torch.erf(borders / (sigmas.clamp(max=LARGEST_SIGMA) * math.sqrt(2)))
    kernel = below[..., 1:] - below[..., :-1]
    if truncate < math.inf:  # torch.compile cannot trace math.isfinite
        inside = borders[:-1] < torch.ceil(truncate * sigmas)
        kernel = torch.where(inside, kernel, torch.zeros_like(kernel))
    return kernel


def _lay_out_rows(kernel: 'Tensor') -> 'Tensor':
    """``g(0) ... g(size - 1)`` (..., size) -> ``g(|i - j|)`` (..., size, size)."""
    import torch

    # Row i is the window of g(size - 1) ... g(0) ... g(size - 1) with g(0) at i. Erf
    # of size distances, not of size ** 2, which was half the head's time.
    both_sides = torch.cat([kernel[..., 1:].flip(-1), kernel], dim=-1)
    return both_sides.unfold(-1, kernel.shape[-1], 1).flip(-2)


def _normalize_rows(matrix: 'Tensor') -> 'Tensor':
    return matrix / matrix.sum(dim=-1, keepdim=True)


def smooth_gaussian(
    x: 'Tensor', sigmas: 'Tensor', truncate: float = DEFAULT_TRUNCATE
) -> 'Tensor':
    """Feature map (B, C, H, W) -> its M smoothed views (B, C, M, H, W).

    ``view[m] = V[m] @ x @ Z[m].T`` with the (H, H) and (W, W) matrices of
    `make_smoothing_matrix`: a normalised, truncated, depthwise Gaussian filter.
    Matrices are built in `sigmas`' precision, at least float32, and applied in `x`'s.

    Args:
        x: feature map (B, C, H, W), H and W >= 1.
        sigmas: in cells, > 0: (M,) shared by all channels, or (C, M), each channel its
            own.
        truncate: as in `make_smoothing_matrix`.

    Raises:
        ValueError: `x` or `sigmas` has another shape than these.

    Example:
        >>> import torch
        >>> smooth_gaussian(torch.rand(2, 17, 64, 48), torch.tensor([0.5, 1.0, 2.0])).shape
        torch.Size([2, 17, 3, 64, 48])
    """
    import torch

    if x.dim() != 4:
        raise ValueError(f'x must be (B, C, H, W), got shape {tuple(x.shape)}')
    if sigmas.dim() not in (1, 2) or (
        sigmas.dim() == 2 and sigmas.shape[0] != x.shape[1]
    ):
        raise ValueError(
            f'sigmas must be (M,) or (C, M) with C = {x.shape[1]} channels, got shape '
            f'{tuple(sigmas.shape)}'
        )
    sigmas = sigmas.to(torch.promote_types(sigmas.dtype, torch.float32))
    # once for both axes: most of the block's operations make these small matrices
    height, width = x.shape[2:]
    weights = _lay_out_rows(_integrate_cells(max(height, width), sigmas, truncate))
    vertical = _normalize_rows(weights[..., :height, :height]).to(x.dtype)
    horizontal = _normalize_rows(weights[..., :width, :width]).to(x.dtype)
    if sigmas.dim() == 1:
        x = torch.einsum('bchw,mvw->bcmhv', x, horizontal)
        return torch.einsum('bcmhv,mih->bcmiv', x, vertical)
    x = torch.einsum('bchw,cmvw->bcmhv', x, horizontal)
    return torch.einsum('bcmhv,cmih->bcmiv', x, vertical)
