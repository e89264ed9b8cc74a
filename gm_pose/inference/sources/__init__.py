"""Where frames come from: image files, videos, cameras, arrays."""

from gm_pose.inference.sources.frame import Failure, Frame, FrameSource
from gm_pose.inference.sources.open_source import open_source

__all__ = ['Failure', 'Frame', 'FrameSource', 'open_source']
