"""Commands of the console script `gm_pose`, one module each; see `gm_pose.__main__`."""
