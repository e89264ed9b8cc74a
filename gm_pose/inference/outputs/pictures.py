"""Overlays on the disk: a PNG for each image, an MP4 for a video."""

import contextlib
import os
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from gm_pose.inference.outputs.whole_file import write_whole
from gm_pose.inference.people import People
from gm_pose.runs.files.atomic_files import explain_write_error
from gm_pose.runs.user_errors import UserError

__all__ = ['PictureFolder', 'VideoFile']


class PictureFolder:
    """Writes each image's overlay as a PNG, under the image's own name.

    Args:
        folder: made where it is missing.
        threshold: joints with a lower score are hollow.
    """

    def __init__(self, folder: Path, threshold: float) -> None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise explain_write_error(error, str(folder), 'make', '--out') from error
        self._folder, self._threshold = folder, threshold
        self._used: dict[str, str] = {}

    def write(self, people: People) -> None:
        """Draw and write."""
        path = self._folder / f'{self._choose_name(people)}.png'
        _, content = cv2.imencode('.png', people.draw(self._threshold))
        with write_whole(path) as partial:
            partial.write_bytes(content.tobytes())

    def _choose_name(self, people: People) -> str:
        """The file's stem; with its folder before it where that was taken."""
        path = Path(people.source)
        if people.frame is not None:
            return f'{path.stem}_{people.frame:06d}'
        parts = path.with_suffix('').parts
        for length in range(1, len(parts) + 1):
            name = '_'.join(parts[-length:]).replace(os.sep, '_')
            if self._used.setdefault(name, people.source) == people.source:
                return name
        name = path.name.replace('.', '_')  # a.jpg beside a.png
        self._used[name] = people.source
        return name


class VideoFile:
    """Writes overlays as frames of an MP4, which has its name when it is closed.

    Args:
        path: of the file.
        fps: frames per second.
        threshold: joints with a lower score are hollow.
    """

    def __init__(self, path: Path, fps: float, threshold: float) -> None:
        self._path, self._fps, self._threshold = path, fps, threshold
        self._stack = contextlib.ExitStack()
        self._writer: Any = None
        self._partial = path
        self._size = (0, 0)

    def write(self, people: People) -> None:
        """Draw and write; a frame of another size is fitted into that of the first.

        Raises:
            UserError: OpenCV cannot write videos here.
        """
        picture = people.draw(self._threshold)
        if self._writer is None:
            self._open(picture)
        if picture.shape[1::-1] != self._size:
            picture = _fit(picture, self._size)
        self._writer.write(picture)

    def close(self, is_whole: bool) -> None:
        """Give the file its name, or remove it."""
        if self._writer is None:
            return
        self._writer.release()
        if not is_whole:
            with contextlib.suppress(_Abandoned), self._stack:
                raise _Abandoned
            return
        with self._stack:
            # the writer says nothing of a full disk; the index, written last, is missing
            if not cv2.VideoCapture(str(self._partial)).isOpened():
                raise UserError(
                    f'cannot write {self._path}: what was written is no whole video. Fix: '
                    'free some space, or name another folder with --out'
                )

    def _open(self, picture: NDArray[np.uint8]) -> None:
        # yuv420 needs even sides
        self._size = (picture.shape[1] // 2 * 2, picture.shape[0] // 2 * 2)
        partial = self._stack.enter_context(write_whole(self._path))
        self._partial = partial
        code = cv2.VideoWriter_fourcc(*'mp4v')  # type: ignore[attr-defined]
        self._writer = cv2.VideoWriter(str(partial), code, self._fps, self._size)
        if not self._writer.isOpened():
            raise UserError(
                f'{self._path} cannot be written as a video: OpenCV has no encoder for '
                'mp4. Fix: --save images'
            )


class _Abandoned(Exception):
    """Ends the writing of a file that is not to be kept."""


def _fit(picture: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    """Largest that fits, on black; one row or column less is cut."""
    w, h = size
    if 0 <= picture.shape[1] - w <= 1 and 0 <= picture.shape[0] - h <= 1:
        return np.ascontiguousarray(picture[:h, :w])
    scale = min(w / picture.shape[1], h / picture.shape[0])
    sides = [max(1, round(side * scale)) for side in picture.shape[1::-1]]
    small = cv2.resize(picture, sides, interpolation=cv2.INTER_AREA)
    canvas = np.zeros((h, w, 3), np.uint8)
    canvas[: small.shape[0], : small.shape[1]] = small[:h, :w]
    return canvas
