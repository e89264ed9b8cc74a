"""From a trained model to joints: sources, boxes, backends, outputs.

Importable without PyTorch and MMPose: an exported ONNX file needs numpy, OpenCV and ONNX
Runtime. N people, K joints; boxes are x1, y1, x2, y2 in px, sizes (w, h).
"""

from gm_pose.inference.backends import ModelDescription, PeopleArrays, PoseBackend
from gm_pose.inference.people import People

__all__ = ['ModelDescription', 'People', 'PeopleArrays', 'PoseBackend']
