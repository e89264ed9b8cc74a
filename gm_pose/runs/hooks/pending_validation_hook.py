"""The old name of `ValidateOnResumeHook`, for one version."""

import warnings

from mmpose.registry import HOOKS

from gm_pose.runs.hooks.validate_on_resume_hook import ValidateOnResumeHook


@HOOKS.register_module()
class PendingValidationHook(ValidateOnResumeHook):
    """`ValidateOnResumeHook`, with a DeprecationWarning."""

    def __init__(self) -> None:
        warnings.warn(
            'PendingValidationHook is deprecated and goes in version 0.3: use '
            'ValidateOnResumeHook',
            DeprecationWarning,
            stacklevel=2,
        )
        super().__init__()
