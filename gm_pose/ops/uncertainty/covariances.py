"""2x2 covariances (..., 2, 2), numpy or torch, without an eigenvalue solver (ONNX)."""

from gm_pose.ops.array_types import ArrayT, get_namespace

# Keeps a division by a radius of zero finite; far below any variance in cells^2.
TINY = 1e-12


def clip_eigenvalues(matrices: ArrayT, least: float) -> ArrayT:
    """Symmetric (..., 2, 2) -> the same, no eigenvalue below `least`.

    ``M = m I + r R``, the eigenvalues ``m + r`` and ``m - r``, R a reflection: both are
    clipped, R stays.

    Example:
        >>> import numpy as np
        >>> clip_eigenvalues(np.diag([4.0, -1.0]), 0.5)
        array([[4. , 0. ],
               [0. , 0.5]])
    """
    xp = get_namespace(matrices)
    xx, yy, xy = matrices[..., 0, 0], matrices[..., 1, 1], matrices[..., 0, 1]
    mean, half = (xx + yy) / 2, (xx - yy) / 2
    radius = xp.sqrt(half * half + xy * xy)
    larger, smaller = (mean + radius).clip(least), (mean - radius).clip(least)
    mean = (larger + smaller) / 2
    shrink = (larger - smaller) / 2 / (radius + TINY)
    half, xy = half * shrink, xy * shrink
    entries = xp.stack((mean + half, xy, xy, mean - half), -1)
    return entries.reshape(matrices.shape)


def add_to_diagonal(matrices: ArrayT, variances: ArrayT) -> ArrayT:
    """Matrices (..., 2, 2), variances that broadcast to (...) -> M + v I.

    Example:
        >>> import numpy as np
        >>> add_to_diagonal(np.zeros((1, 2, 2)), np.array([3.0]))
        array([[[3., 0.],
                [0., 3.]]])
    """
    xp = get_namespace(matrices)
    xx, yy = matrices[..., 0, 0] + variances, matrices[..., 1, 1] + variances
    entries = xp.stack((xx, matrices[..., 0, 1], matrices[..., 1, 0], yy), -1)
    return entries.reshape(matrices.shape)
