"""What an earlier run of this process leaves behind."""

from __future__ import annotations

from mmengine.visualization import Visualizer

__all__ = ['forget_visualizers']


def forget_visualizers() -> None:
    """Let the next run have a visualizer of its own.

    MMEngine keeps visualizers by name, and MMPose's configs give each the same one: a
    second run would write into the folder of the first.
    """
    classes: list[type[Visualizer]] = [Visualizer]
    for cls in classes:
        cls._instance_dict.clear()
        classes += cls.__subclasses__()
