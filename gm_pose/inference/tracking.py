"""The same number for the same person in all frames of a video (ByteTrack)."""

from dataclasses import replace
from typing import Any

import numpy as np

from gm_pose.inference.people import People
from gm_pose.inference.people_formats import import_extra
from gm_pose.runs.user_errors import UserError

__all__ = ['Tracker']

# People that are there for so many frames have a number; a box found once has none.
_CONFIRMED_AFTER = 2
# Boxes given without scores have 1. A detector's are above its own threshold of 0.3.
_TRACKED_FROM = 0.3


class Tracker:
    """ByteTrack (Zhang et al., ECCV 2022) on the boxes, from Roboflow's libraries.

    `trackers` (Apache-2.0) where it is installed, which needs numpy 2; else `supervision`
    (MIT), whose versions below 0.30 have it.

    Args:
        fps: frames per second, for how long a hidden person is remembered: a second.

    Raises:
        UserError: neither is installed.
    """

    def __init__(self, fps: float | None) -> None:
        self._supervision: Any = import_extra('supervision', 'track')
        rate = fps or 30.0
        trackers = _import_trackers()
        if trackers is not None:
            self._tracker: Any = trackers.ByteTrackTracker(
                frame_rate=rate,
                track_activation_threshold=_TRACKED_FROM,
                high_conf_det_threshold=_TRACKED_FROM,
                minimum_consecutive_frames=_CONFIRMED_AFTER,
            )
            self._update = self._tracker.update
        elif hasattr(self._supervision, 'ByteTrack'):
            self._tracker = self._supervision.ByteTrack(
                frame_rate=round(rate),
                track_activation_threshold=_TRACKED_FROM,
                minimum_consecutive_frames=_CONFIRMED_AFTER,
            )
            self._update = self._tracker.update_with_detections
        else:
            raise UserError(
                f'supervision {self._supervision.__version__} has no tracker any more, '
                'and trackers is not installed. Fix: pip install "gm_pose[track]"'
            )

    def add_ids(self, people: People) -> People:
        """People of the next frame -> the same with `track_ids`, -1 where there is none."""
        detections = self._supervision.Detections(
            xyxy=people.bboxes_px.astype(np.float32).reshape(-1, 4),
            confidence=people.bbox_scores.astype(np.float32),
            class_id=np.zeros(len(people), int),
            data=dict(place=np.arange(len(people))),
        )
        found = self._update(detections)
        ids = np.full(len(people), -1, np.int64)
        if found.tracker_id is not None and len(found):
            ids[np.asarray(found.data['place'], int)] = found.tracker_id
        return replace(people, track_ids=ids)


def _import_trackers() -> Any:
    try:
        import trackers
    except ImportError:
        return None
    return trackers
