"""Hooks registered in `mmpose.registry.HOOKS`."""

from gm_pose.engine.hooks.atomic_checkpoint_hook import AtomicCheckpointHook
from gm_pose.engine.hooks.bad_image_report_hook import BadImageReportHook
from gm_pose.engine.hooks.channels_last_hook import ChannelsLastHook
from gm_pose.engine.hooks.effective_batch_hook import EffectiveBatchHook
from gm_pose.engine.hooks.empty_target_hook import EmptyTargetHook
from gm_pose.engine.hooks.exact_resume_hook import ExactResumeHook
from gm_pose.engine.hooks.mixture_sigma_hook import MixtureSigmaHook
from gm_pose.engine.hooks.non_finite_loss_hook import NonFiniteLossHook
from gm_pose.engine.hooks.pending_validation_hook import PendingValidationHook

__all__ = [
    'AtomicCheckpointHook',
    'BadImageReportHook',
    'ChannelsLastHook',
    'EffectiveBatchHook',
    'EmptyTargetHook',
    'ExactResumeHook',
    'MixtureSigmaHook',
    'NonFiniteLossHook',
    'PendingValidationHook',
]
