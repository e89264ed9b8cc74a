"""Heatmap codecs, registered in MMPose's KEYPOINT_CODECS: shells over `gm_pose.ops`."""

from gm_pose.codecs.dataset_metainfo import load_skeleton
from gm_pose.codecs.joint_adaptive_msra_heatmap import JointAdaptiveMSRAHeatmap
from gm_pose.codecs.target_sigmas import read_target_sigmas
from gm_pose.codecs.with_codec import with_codec

__all__ = [
    'JointAdaptiveMSRAHeatmap',
    'load_skeleton',
    'read_target_sigmas',
    'with_codec',
]
