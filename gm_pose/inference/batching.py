"""Frames with boxes -> people, all of several frames in full batches."""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from gm_pose.inference.backends.pose_backend import (
    PeopleArrays,
    PoseBackend,
    concatenate_people,
)
from gm_pose.inference.boxes import BoxCounts, BoxFinder, FoundBoxes, keep_usable
from gm_pose.inference.sources.frame import Frame

__all__ = ['EstimatedFrame', 'estimate_frames']

# Frames that wait for their batch to fill take no more memory than this: 10 photos of
# 12 megapixels, or 600 frames of a video of 640 x 480.
MAX_WAITING_BYTES = 400_000_000


@dataclass
class EstimatedFrame:
    """A frame, its boxes and its people, both (N, ...) in the same order."""

    frame: Frame
    found: FoundBoxes
    people: PeopleArrays


@dataclass
class _Waiting:
    """A frame of whose people some may be estimated already."""

    frame: Frame
    found: FoundBoxes
    parts: list[PeopleArrays] = field(default_factory=list)
    begun: int = 0

    @property
    def left(self) -> int:
        return len(self.found.boxes_px) - self.begun


def estimate_frames(
    frames: Iterable[Frame],
    finder: BoxFinder,
    backend: PoseBackend,
    batch_size: int,
    counts: BoxCounts,
) -> Iterator[EstimatedFrame]:
    """Estimate, in the order of the frames.

    Args:
        frames: of a source.
        finder: of their boxes; those that cannot be used are left out and counted.
        backend: the model.
        batch_size: people that go through the network at once.
        counts: of boxes left out, added to.
    """
    waiting: deque[_Waiting] = deque()
    for frame in frames:
        waiting.append(_Waiting(frame, _find_usable(finder, frame, counts)))
        while sum(entry.left for entry in waiting) >= batch_size:
            _estimate(waiting, backend, batch_size)
        if sum(entry.frame.image.nbytes for entry in waiting) > MAX_WAITING_BYTES:
            _estimate(waiting, backend, batch_size)
        yield from _take_finished(waiting, backend)
    _estimate(waiting, backend, batch_size)
    yield from _take_finished(waiting, backend)


def _find_usable(finder: BoxFinder, frame: Frame, counts: BoxCounts) -> FoundBoxes:
    found = finder.find(frame)
    kept = keep_usable(found.boxes_px, frame.size, counts)
    return FoundBoxes(
        found.boxes_px.reshape(-1, 4)[kept], found.scores[kept], found.image_id
    )


def _estimate(waiting: deque[_Waiting], backend: PoseBackend, batch_size: int) -> None:
    """The next `batch_size` people, or all that wait; a frame may be split."""
    images: list[NDArray[np.uint8]] = []
    boxes: list[NDArray[np.float32]] = []
    entries: list[_Waiting] = []
    room = batch_size
    for entry in waiting:
        take = min(entry.left, room)
        if take:
            entries.append(entry)
            images.append(entry.frame.image)
            boxes.append(entry.found.boxes_px[entry.begun : entry.begun + take])
            entry.begun += take
            room -= take
        if not room:
            break
    if entries:
        for entry, people in zip(entries, backend.estimate(images, boxes), strict=True):
            entry.parts.append(people)


def _take_finished(
    waiting: deque[_Waiting], backend: PoseBackend
) -> Iterator[EstimatedFrame]:
    """Frames at the front all of whose people are estimated."""
    while waiting and not waiting[0].left:
        entry = waiting.popleft()
        if entry.parts:
            people = concatenate_people(entry.parts)
        else:
            people = PeopleArrays.make_empty(backend.description.joint_count)
        yield EstimatedFrame(entry.frame, entry.found, people)
