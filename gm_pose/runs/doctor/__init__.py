"""Checks of the environment, for `gm_pose doctor`.

Top-level imports are the standard library's alone: the checks run where nothing else does.
"""
