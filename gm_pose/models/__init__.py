"""Necks, heads, pose estimators and hooks that belong to a model, registered in MMPose."""

from gm_pose.models.gaussian_mixture import GaussianMixture
from gm_pose.models.heads import GaussianMixtureHead
from gm_pose.models.hooks import ChannelsLastHook, MixtureSigmaHook
from gm_pose.models.mixture_readout import find_mixtures, read_mixtures
from gm_pose.models.mixture_settings import MixtureSettings
from gm_pose.models.necks import GaussianMixtureBlock
from gm_pose.models.pose_estimators import AlignedFlipTopdownPoseEstimator

__all__ = [
    'AlignedFlipTopdownPoseEstimator',
    'ChannelsLastHook',
    'GaussianMixture',
    'GaussianMixtureBlock',
    'GaussianMixtureHead',
    'MixtureSettings',
    'MixtureSigmaHook',
    'find_mixtures',
    'read_mixtures',
]
