"""How sure a heatmap is: covariance of a joint's place, presence, expected OKS.

Numpy arrays or torch tensors in, the same out; only operations that ONNX has.
"""

from gm_pose.ops.uncertainty.calibration import META_KEY, Calibration
from gm_pose.ops.uncertainty.calibration_fit import (
    ELLIPSE_95,
    Evidence,
    fit_calibration,
)
from gm_pose.ops.uncertainty.expected_oks import (
    BOX_AREA_SHARE,
    average_expected_oks,
    compute_expected_oks,
    compute_tolerances,
)
from gm_pose.ops.uncertainty.map_uncertainty import (
    Uncertainty,
    calibrate_uncertainty,
    measure_uncertainty,
)

__all__ = [
    'BOX_AREA_SHARE',
    'ELLIPSE_95',
    'META_KEY',
    'Calibration',
    'Evidence',
    'Uncertainty',
    'average_expected_oks',
    'calibrate_uncertainty',
    'compute_expected_oks',
    'compute_tolerances',
    'fit_calibration',
    'measure_uncertainty',
]
