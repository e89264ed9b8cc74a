"""Training runs that can be trusted: exact resume, safe files, checks before the start."""

from gm_pose.engine import hooks

__all__ = ['hooks']
