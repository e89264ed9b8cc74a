"""What a run does with an annotation file: decides which rules hold."""

from dataclasses import dataclass

__all__ = ['FileUse']


@dataclass(frozen=True)
class FileUse:
    """How a file is used; by default as one that is evaluated top-down.

    Args:
        is_evaluated: `CocoMetric` scores predictions against it.
        use_area: the metric's: areas come from the file, not from 0.53 x box.
        iou_type: the metric's.
        is_stand_in: pycocotools stands in for xtcocotools, which takes fewer ids.
        is_topdown: MMPose's filter for people applies.
        sample_interval: the dataset's: image ids that it does not divide are left out.
    """

    is_evaluated: bool = True
    use_area: bool = True
    iou_type: str = 'keypoints'
    is_stand_in: bool = False
    is_topdown: bool = True
    sample_interval: int = 1
