"""Imports gm_pose before any test module here imports mmpose: it puts the stand-ins in."""

import gm_pose  # noqa: F401
