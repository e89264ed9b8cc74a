"""Training and evaluation at the hardware's limit: what `--fast` puts into a config."""

from gm_pose.fast_lane.config.settings import with_fast_lane

__all__ = ['apply_fast_lane', 'with_fast_lane']


def __getattr__(name: str) -> object:
    """`apply_fast_lane` when it is first used: it imports MMPose's models."""
    if name != 'apply_fast_lane':
        raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
    from gm_pose.fast_lane.config.apply_fast_lane import apply_fast_lane

    return apply_fast_lane
