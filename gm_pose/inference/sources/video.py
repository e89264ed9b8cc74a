"""Videos, streams and cameras as sources of frames."""

from collections.abc import Collection, Iterator

import cv2

from gm_pose.inference.sources.frame import Failure, Frame
from gm_pose.inference.sources.pixels import to_bgr
from gm_pose.runs.user_errors import UserError

__all__ = ['Video']

# What a container says of its length is the number of frames, or its duration times its
# mean rate, which is rounded: a frame at each end, or one in a hundred.
_SLACK_FRAMES, _SLACK_SHARE = 2, 0.01


class Video:
    """Frames of a video file, a stream or a camera.

    Args:
        address: path, URL, or number of a camera.

    Raises:
        UserError: it cannot be opened.
    """

    def __init__(self, address: str | int) -> None:
        self.is_camera = isinstance(address, int)
        self.name = f'camera {address}' if self.is_camera else str(address)
        self._capture = cv2.VideoCapture(address)
        self.failures: list[Failure] = []
        self.total: int | None = None
        self.fps: float | None = None
        self._first = 0
        if not self._capture.isOpened():
            what = (
                'is there and free'
                if self.is_camera
                else 'is whole and its codec known'
            )
            raise UserError(
                f'{self.name} cannot be opened as a video. Fix: see that it {what}'
            )
        count = self._capture.get(cv2.CAP_PROP_FRAME_COUNT)
        is_stream = self.is_camera or '://' in self.name
        if not is_stream and 0 < count < 1e9:
            self.total = round(count)
        fps = self._capture.get(cv2.CAP_PROP_FPS)
        self.fps = fps if 0 < fps < 1000 else 30.0

    def leave_out(self, done: Collection[tuple[str, int | None]]) -> int:
        """Skip the frames at the beginning that are done; they are decoded all the same."""
        if self.is_camera:
            return 0
        while (self.name, self._first) in done:
            self._first += 1
        if self.total is not None:
            self.total = max(self.total - self._first, 0)
        return self._first

    def __iter__(self) -> Iterator[Frame]:
        index = 0
        try:
            while True:
                if index < self._first:
                    if not self._capture.grab():
                        break
                    index += 1
                    continue
                is_read, image = self._capture.read()
                if not is_read:
                    break
                yield Frame(to_bgr(image), self.name, index, index)
                index += 1
        finally:
            self._capture.release()
        self._note_end(index)

    def _note_end(self, count: int) -> None:
        """Say so if a file ended before the length that it states."""
        if self.is_camera:
            self.failures.append(Failure(self.name, f'ended after {count} frames'))
            return
        if self.total is None:
            return
        stated = self.total + self._first
        if count < stated - max(_SLACK_FRAMES, _SLACK_SHARE * stated):
            self.failures.append(
                Failure(self.name, f'ends after {count} of {stated} frames')
            )
