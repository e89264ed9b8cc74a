"""The paper's sigma tables, and scaling a table to another heatmap or mean."""

import numpy as np
from numpy.typing import NDArray

from gm_pose.ops.skeleton import COCO

# "Study of the Gaussian Mixture Joint-Adaptive Heatmap Regression for Top-Down Human Pose
# Estimation" (Ong, Cho, Choi), table of sigmas: one row per kind of joint (left and right
# together), columns "Set 1" and "Set 2", in cells of a 48x64 (W x H) heatmap.
PAPER_SIGMAS_48X64 = {
    # row:      (Set 1, Set 2)
    'nose': (1.1, 0.85),
    'eye': (1.1, 0.84),
    'ear': (1.3, 0.99),
    'shoulder': (1.9, 1.49),
    'elbow': (1.8, 1.42),
    'wrist': (1.7, 1.32),
    'hip': (2.2, 1.73),
    'knee': (2.0, 1.56),
    'ankle': (2.0, 1.58),
}
REFERENCE_HEATMAP_SIZE = (48, 64)  # [W, H] that named tables are stated for


def _paper_column(column: int) -> dict[str, float]:
    return {
        name: PAPER_SIGMAS_48X64[name.split('_')[-1]][column]
        for name in COCO.joint_names
    }


# Named tables: joint name -> sigma in cells of REFERENCE_HEATMAP_SIZE.
SIGMA_TABLES: dict[str, dict[str, float]] = {
    'set1': _paper_column(0),
    'set2': _paper_column(1),
}


def compute_table_scale(heatmap_size: tuple[int, int]) -> float:
    """Heatmap size [W, H] -> factor from a named table's cells to this heatmap's.

    ``max(W, H) / 64``: the long side decides, which is how MMPose's recipes choose their
    sigma (2 at 48x64 and 64x64, 3 at 72x96 and 96x96).

    Example:
        >>> compute_table_scale((72, 96))
        1.5
    """
    return max(heatmap_size) / max(REFERENCE_HEATMAP_SIZE)


def scale_to_mean(
    values: NDArray[np.float64], mean: float, power: float = 1.0
) -> NDArray[np.float64]:
    """Positive values (K,) -> ``values**power`` scaled so that their mean is `mean`."""
    shaped = values**power
    return shaped * (mean / shaped.mean())
