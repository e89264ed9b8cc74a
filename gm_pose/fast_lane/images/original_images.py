"""Images decoded from their own files; imports no mm* package."""

import os
from typing import TYPE_CHECKING

import cv2
import numpy as np

from gm_pose.runs.data_checks.unreadable_image import (
    MAX_PIXELS,
    UnreadableImage,
    check_image_content,
    check_pixels,
)

if TYPE_CHECKING:
    from gm_pose.fast_lane.people.people_arrays import PeopleArrays

__all__ = ['OriginalImages', 'decode_image', 'read_bytes']


class OriginalImages:
    """Reads what `LoadImage` reads; the last image is kept.

    Args:
        people: of the dataset.
        max_pixels: largest image accepted (W x H).
    """

    def __init__(self, people: 'PeopleArrays', max_pixels: int = MAX_PIXELS) -> None:
        self._paths = people.image_paths
        self._max_pixels = max_pixels
        self._row: int | None = None
        self._pixels = np.zeros((0, 0, 3), np.uint8)

    def read(self, image_row: int, person_row: int) -> tuple[np.ndarray, None]:
        """An image (h, w, 3) uint8 BGR, turned as EXIF says; not to be written to.

        Raises:
            UnreadableImage: 'path: reason'.
        """
        if image_row != self._row:
            path = self._paths[image_row]
            self._pixels = decode_image(read_bytes(path), path, self._max_pixels)
            self._row = image_row
        return self._pixels, None


def read_bytes(path: str) -> bytes:
    """A file's bytes.

    Raises:
        UnreadableImage: it is missing, empty, or the disk fails.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        with open(descriptor, 'rb', buffering=0) as file:
            content = file.read()
    except FileNotFoundError:
        raise UnreadableImage(f'{path}: no such file') from None
    except OSError as error:
        raise UnreadableImage(f'{path}: {error.strerror}') from None
    except ValueError:
        raise UnreadableImage(f'{path}: a name with a null character') from None
    if not content:
        raise UnreadableImage(f'{path}: an empty file')
    return content


def decode_image(content: bytes, path: str, max_pixels: int = MAX_PIXELS) -> np.ndarray:
    """Bytes of an image file -> the pixels of `LoadImage`, (h, w, 3) uint8 BGR.

    The header is looked at first: a few bytes of PNG can claim 10^9 pixels.

    Raises:
        UnreadableImage: 'path: reason'.
    """
    check_image_content(path, content, max_pixels)
    try:
        pixels = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
    except cv2.error as error:
        reason = str(error).strip().partition('\n')[0][:200]
        raise UnreadableImage(f'{path}: {reason}') from error
    if pixels is None:
        fix = '. Fix: convert the GIF to PNG' if content.startswith(b'GIF8') else ''
        raise UnreadableImage(f'{path}: cannot be decoded ({len(content)} bytes){fix}')
    check_pixels(path, (pixels.shape[1], pixels.shape[0]), max_pixels)
    return pixels
