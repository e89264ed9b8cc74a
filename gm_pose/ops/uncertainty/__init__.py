"""How sure a heatmap is: covariance of a joint's place, presence, expected OKS.

Numpy arrays or torch tensors in, the same out; only operations that ONNX has.
"""

from gm_pose.ops.uncertainty.calibration import Calibration
from gm_pose.ops.uncertainty.expected_oks import (
    average_expected_oks,
    compute_expected_oks,
    compute_tolerances,
)
from gm_pose.ops.uncertainty.measure_uncertainty import Uncertainty, measure_uncertainty

__all__ = [
    'Calibration',
    'Uncertainty',
    'average_expected_oks',
    'compute_expected_oks',
    'compute_tolerances',
    'measure_uncertainty',
]
