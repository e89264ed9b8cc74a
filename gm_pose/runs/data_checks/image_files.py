"""Image files: their end, their EXIF orientation, and their names."""

from __future__ import annotations

import functools
import io
import os
import os.path as osp
import re
import warnings

import numpy as np
from PIL import Image

__all__ = ['find_similar_file', 'is_cut_jpeg', 'read_orientation']

_ORIENTATION = 274
# In the pixels of a JPEG, 0xff begins a marker unless 0, a restart (d0 to d7) or another
# 0xff follows.
_MARKER = re.compile(rb'\xff[^\x00\xd0-\xd7\xff]')


def is_cut_jpeg(data: bytes, pixels: np.ndarray | None = None) -> bool:
    """Whether a JPEG ends before its last pixel; other data may follow its end.

    Telephones put a film, maps or further pictures behind it: a search for the end marker
    from the file's end would miss it, and one from its start would find that of the
    thumbnail. Where the pixels were cut off and other data follow, a marker comes too soon.

    Args:
        data: content of the file.
        pixels: the image as OpenCV decodes it; without it only the end marker counts.
    """
    if not data.startswith(b'\xff\xd8'):
        return False
    at, in_scan, is_coarse_first = 2, False, False
    while True:
        match = _MARKER.search(data, at)
        if match is None:
            return not _loads(data)
        kind, at = data[match.start() + 1], match.end()
        length = int.from_bytes(data[at : at + 2], 'big')
        is_next = kind in _AFTER_SCAN and data[at + length : at + length + 1] == b'\xff'
        if kind == 0xD9 or (in_scan and kind != 0xDA and not is_next):
            if pixels is None or not (is_coarse_first or _ends_flat(pixels)):
                return False
            return _lacks_pixels(data, match.start())
        in_scan = kind == 0xDA
        is_coarse_first |= kind == 0xC2  # progressive
        if kind not in (0x01, 0xD8):  # all others have a length
            at += length


# Between scans: tables, restart interval, number of lines, comments, the next scan.
_AFTER_SCAN = frozenset((0xC4, 0xDA, 0xDB, 0xDC, 0xDD, 0xFE, *range(0xE0, 0xF0)))


def _ends_flat(pixels: np.ndarray) -> bool:
    """Whether the last block has one color, as one has that a decoder has no data for."""
    row, column = ((side - 1) // 8 * 8 for side in pixels.shape[:2])
    block = pixels[row:, column:].reshape(-1, pixels.shape[-1])
    return bool(np.ptp(block, 0).max() <= _FLAT)


def _lacks_pixels(data: bytes, end: int) -> bool:
    """Whether data put in before `end`, where the pixels' data end, change a pixel.

    A decoder reads no data behind the last pixel.
    """
    plain, more = (
        _decode_silently(data[:end] + rest + b'\xff\xd9') for rest in (b'', _FILLING)
    )
    return plain is None or plain != more


def _decode_silently(data: bytes) -> bytes | None:
    """Pixels, by Pillow: below OpenCV libjpeg prints a warning about data put in."""
    try:
        with Image.open(io.BytesIO(data)) as image:
            return image.tobytes()
    except (OSError, ValueError, SyntaxError):
        return None


_FLAT = 6  # levels: color is interpolated between blocks
_FILLING = bytes(range(1, 255)) * 64


def _loads(data: bytes) -> bool:
    """Whether Pillow decodes an image to its last pixel."""
    try:
        with Image.open(io.BytesIO(data)) as image:
            image.load()
    except (OSError, ValueError, SyntaxError):
        return False
    return True


def read_orientation(data: bytes) -> int:
    """EXIF orientation from 1 (upright) to 8; 1 where the image has none."""
    if b'Exif' not in data[:65_536] and not data.startswith(
        (b'II*', b'MM\0*', b'\x89PNG')
    ):
        return 1
    try:
        with warnings.catch_warnings():
            warnings.simplefilter('ignore')
            with Image.open(io.BytesIO(data)) as image:
                value = image.getexif().get(_ORIENTATION, 1)
    except (OSError, ValueError, SyntaxError, KeyError):
        return 1
    return value if isinstance(value, int) else 1


def find_similar_file(folder: str, name: str) -> str | None:
    """A file below `folder` that a wrong `file_name` may mean, or None.

    Converters write backslashes, folders of the machine that they ran on, the folder that
    `data_prefix` already has, and another ending or case.
    """
    parts = name.replace('\\', '/').split('/')
    for start in range(len(parts)):
        tail = '/'.join(parts[start:])
        if tail != name and osp.isfile(osp.join(folder, tail)):
            return tail
    return _list_stems(folder).get(osp.splitext(parts[-1])[0].lower())


@functools.lru_cache(maxsize=4)
def _list_stems(folder: str) -> dict[str, str]:
    return {osp.splitext(name)[0].lower(): name for name in os.listdir(folder)}
