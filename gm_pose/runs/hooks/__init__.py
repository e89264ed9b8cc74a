"""Hooks for any run, registered in `mmpose.registry.HOOKS`."""

from gm_pose.runs.hooks.atomic_checkpoint_hook import AtomicCheckpointHook
from gm_pose.runs.hooks.bad_image_report_hook import BadImageReportHook
from gm_pose.runs.hooks.effective_batch_hook import EffectiveBatchHook
from gm_pose.runs.hooks.empty_target_hook import EmptyTargetHook
from gm_pose.runs.hooks.exact_resume_hook import ExactResumeHook
from gm_pose.runs.hooks.non_finite_loss_hook import NonFiniteLossHook
from gm_pose.runs.hooks.pending_validation_hook import PendingValidationHook
from gm_pose.runs.hooks.validate_on_resume_hook import ValidateOnResumeHook
from gm_pose.runs.hooks.worst_samples_hook import WorstSamplesHook

__all__ = [
    'AtomicCheckpointHook',
    'BadImageReportHook',
    'EffectiveBatchHook',
    'EmptyTargetHook',
    'ExactResumeHook',
    'NonFiniteLossHook',
    'PendingValidationHook',
    'ValidateOnResumeHook',
    'WorstSamplesHook',
]
