"""From a trained model to joints: sources, boxes, backends, outputs.

Importable without PyTorch and MMPose: an exported ONNX file needs numpy, OpenCV and ONNX
Runtime. N people, K joints; boxes are x1, y1, x2, y2 in px, sizes (w, h).
"""

from gm_pose.inference.backends import ModelDescription, PeopleArrays, PoseBackend
from gm_pose.inference.people import People
from gm_pose.inference.pose_estimator import PoseEstimator
from gm_pose.inference.sources import Failure, Frame, FrameSource, open_source

__all__ = [
    'Failure',
    'Frame',
    'FrameSource',
    'ModelDescription',
    'People',
    'PeopleArrays',
    'PoseBackend',
    'PoseEstimator',
    'open_source',
]
