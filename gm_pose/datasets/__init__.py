"""Data that the project makes itself: `synthetic_people` renders the embedded dataset."""

from typing import Any

from gm_pose.moved_modules import load_moved


def __getattr__(name: str) -> Any:
    return load_moved(__name__, name)
