"""What runs a model: PyTorch with MMPose, or ONNX Runtime without either."""

from gm_pose.inference.backends.pose_backend import (
    ModelDescription,
    PeopleArrays,
    PoseBackend,
    concatenate_people,
)

__all__ = ['ModelDescription', 'PeopleArrays', 'PoseBackend', 'concatenate_people']
