"""A frame, what went wrong with another, and what every source offers."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

__all__ = ['Failure', 'Frame', 'FrameSource']


@dataclass(frozen=True)
class Frame:
    """One picture.

    Attributes:
        image: (h, w, 3) uint8 BGR.
        source: path of the image or video, 'camera 0', '' for an array.
        index: number of the frame in its video, None for a picture.
        position: number of the frame in all that the source gives, from 0.
    """

    image: NDArray[np.uint8]
    source: str
    index: int | None
    position: int

    @property
    def size(self) -> tuple[int, int]:
        """(w, h) px."""
        return self.image.shape[1], self.image.shape[0]


@dataclass(frozen=True)
class Failure:
    """A file that was not used, or not to its end.

    Attributes:
        source: its path.
        reason: in a few words, without the path.
    """

    source: str
    reason: str

    def __str__(self) -> str:
        return f'{self.source}: {self.reason}'


class FrameSource(Protocol):
    """What can be iterated over once.

    Attributes:
        total: frames to be expected, those that fail among them; None: nobody knows.
        failures: grows while it is iterated over.
        fps: frames per second of a video or camera, None for pictures.
    """

    total: int | None
    failures: list[Failure]
    fps: float | None

    def __iter__(self) -> Iterator[Frame]: ...

    def leave_out(self, done: Any) -> int:
        """Skip frames with these (source, index), where that can be; how many."""
        ...
