"""Pose estimators registered in `mmpose.registry.MODELS`."""

from gm_pose.models.pose_estimators.aligned_flip_topdown_pose_estimator import (
    AlignedFlipTopdownPoseEstimator,
)

__all__ = ['AlignedFlipTopdownPoseEstimator']
