"""Heatmap codecs, registered in MMPose's KEYPOINT_CODECS."""

from gm_pose.codecs.joint_adaptive_msra_heatmap import JointAdaptiveMSRAHeatmap

__all__ = ['JointAdaptiveMSRAHeatmap']
