"""The same person has the same number in all frames."""

import sys

import numpy as np
import pytest

from gm_pose.inference import tracking
from gm_pose.runs.user_errors import UserError

IMAGE = np.zeros((60, 200, 3), np.uint8)


class FakeByteTrack:
    """Supervision's tracker until 0.29, by its interface: numbers by the box's height."""

    def __init__(
        self, frame_rate, track_activation_threshold, minimum_consecutive_frames
    ):
        assert isinstance(frame_rate, int)

    def update_with_detections(self, detections):
        found = detections[detections.confidence > 0.2][::-1]
        found.tracker_id = (found.xyxy[:, 3] - found.xyxy[:, 1]).astype(int)
        return found


def walk(fake, frames=6):
    """Two people that pass each other, their boxes in changing order."""
    boxes = []
    for k in range(frames):
        pair = [[10 + 4 * k, 5, 40 + 4 * k, 50], [150 - 4 * k, 10, 185 - 4 * k, 58]]
        boxes.append(pair[:: (-1) ** k])
    return list(fake.stream([IMAGE] * frames, boxes))


def test_people_keep_their_numbers(fake):
    pytest.importorskip('trackers')
    tracker = tracking.Tracker(fps=10)
    people = [tracker.add_ids(p) for p in walk(fake)]
    left = [int(p.track_ids[p.bboxes_px[:, 1] == 5][0]) for p in people[2:]]
    right = [int(p.track_ids[p.bboxes_px[:, 1] == 10][0]) for p in people[2:]]
    assert len({*left}) == len({*right}) == 1
    assert left[0] != right[0]
    assert min(left[0], right[0]) >= 0
    nobody = tracker.add_ids(people[0][[]])
    assert nobody.track_ids.shape == (0,)
    assert people[-1].to_coco()[0]['track_id'] in (left[0], right[0])


def test_supervisions_tracker_where_trackers_is_missing(fake, monkeypatch):
    import supervision

    monkeypatch.setitem(sys.modules, 'trackers', None)
    monkeypatch.setattr(supervision, 'ByteTrack', FakeByteTrack, raising=False)
    people = tracking.Tracker(fps=None).add_ids(walk(fake, 2)[1])
    assert people.track_ids.tolist() == [48, 45]


def test_no_tracker_at_all_names_the_command(monkeypatch):
    import supervision

    monkeypatch.setitem(sys.modules, 'trackers', None)
    monkeypatch.delattr(supervision, 'ByteTrack', raising=False)
    with pytest.raises(UserError, match=r'pip install "gm_pose\[track\]"'):
        tracking.Tracker(fps=30)
