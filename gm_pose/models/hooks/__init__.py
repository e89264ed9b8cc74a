"""Hooks that belong to a model, registered in `mmpose.registry.HOOKS`."""

from gm_pose.models.hooks.channels_last_hook import ChannelsLastHook
from gm_pose.models.hooks.expected_oks_hook import ExpectedOksHook
from gm_pose.models.hooks.mixture_sigma_hook import MixtureSigmaHook

__all__ = ['ChannelsLastHook', 'ExpectedOksHook', 'MixtureSigmaHook']
