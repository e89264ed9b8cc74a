"""Necks registered in `mmpose.registry.MODELS`."""

from gm_pose.models.necks.gaussian_mixture_block import GaussianMixtureBlock

__all__ = ['GaussianMixtureBlock']
