"""Subcommands of ``python -m gm_pose``, one module each; see `gm_pose.__main__`."""
