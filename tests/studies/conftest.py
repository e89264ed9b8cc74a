"""`import studies` works from any folder that pytest is started in."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import gm_pose  # noqa: F401  prepares the stack before a test imports mmpose
