"""Heads registered in `mmpose.registry.MODELS`."""

from gm_pose.models.heads.gaussian_mixture_head import GaussianMixtureHead

__all__ = ['GaussianMixtureHead']
