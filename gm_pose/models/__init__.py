"""Model parts: the Gaussian mixture, pure and as MMPose neck and head."""

from gm_pose.models import necks

__all__ = ['necks']
