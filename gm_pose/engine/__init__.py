"""What runs around the model: hooks, checks before a run, processes on the CPU."""

from gm_pose.engine import hooks

__all__ = ['hooks']
