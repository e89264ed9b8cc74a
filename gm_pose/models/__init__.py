"""Model parts: the Gaussian mixture, pure and as MMPose neck and head."""

from gm_pose.models import heads, necks

__all__ = ['heads', 'necks']
