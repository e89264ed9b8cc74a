"""Hooks registered in `mmpose.registry.HOOKS`."""

from gm_pose.engine.hooks.mixture_sigma_hook import MixtureSigmaHook

__all__ = ['MixtureSigmaHook']
