"""Model parts: the Gaussian mixture, pure and as MMPose neck and head; the flip test."""

from gm_pose.models import heads, necks, pose_estimators

__all__ = ['heads', 'necks', 'pose_estimators']
