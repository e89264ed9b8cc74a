"""`synthetic_people` renders the embedded dataset; `random_erasing` changes crops."""

from typing import Any

from gm_pose.moved_modules import load_moved


def __getattr__(name: str) -> Any:
    return load_moved(__name__, name)
