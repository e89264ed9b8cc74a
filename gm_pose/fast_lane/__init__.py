"""Training and evaluation at the hardware's limit: what `--fast` puts into a config."""

from typing import TYPE_CHECKING

from gm_pose.fast_lane.config.settings import with_fast_lane

if TYPE_CHECKING:
    from gm_pose.fast_lane.config.apply_fast_lane import apply_fast_lane

__all__ = ['apply_fast_lane', 'with_fast_lane']


def __getattr__(name: str) -> object:
    """`apply_fast_lane` when it is first used: it imports MMPose's models."""
    if name != 'apply_fast_lane':
        raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
    import gm_pose.fast_lane.config.apply_fast_lane as module

    return module.apply_fast_lane
