"""Reading an image's header before its pixels; imports no mm* package."""

import math
import struct
import warnings

import cv2
from PIL import Image

from gm_pose.runs.data_checks.image_header import find_size, parse_size

__all__ = [
    'MAX_PIXELS',
    'SKIPPED',
    'UnreadableImage',
    'check_image_content',
    'check_image_header',
    'check_pixels',
    'has_fine_header',
    'is_local',
]

MAX_PIXELS = 100_000_000
"""Largest image accepted: 300 MB decoded. COCO's largest has 0.4 million pixels."""

SKIPPED = 'skipped_images'
"""Metainfo field of a sample that took the place of unreadable ones."""


class UnreadableImage(Exception):
    """An image that cannot be used. The text is 'path: reason'."""


def check_image_header(
    path: str, max_pixels: int = MAX_PIXELS
) -> tuple[int, int] | None:
    """Read the size from an image's header; no pixel is decoded.

    Returns:
        (W, H) in px; None for an image whose header only its decoder knows.

    Raises:
        UnreadableImage: no such file, an empty one, no image, or one whose header claims
            more than `max_pixels` (a few bytes of PNG can claim 10^9).
    """
    try:
        size = _read_size(path)
        if size is None and not cv2.haveImageReader(path):
            raise UnreadableImage(f'{path}: {_name_fault(path)}')
    except FileNotFoundError:
        raise UnreadableImage(f'{path}: no such file') from None
    except Image.DecompressionBombError:
        raise UnreadableImage(
            f'{path}: its header claims more than {max_pixels} pixels'
        ) from None
    except OSError as error:
        raise UnreadableImage(f'{path}: {error.strerror or error}') from None
    if size is not None:
        check_pixels(path, size, max_pixels)
    return size


def check_image_content(
    path: str, content: bytes, max_pixels: int = MAX_PIXELS
) -> None:
    """`check_image_header` of a file that has been read: 5 us for JPEG and PNG, not 150.

    A size that is fine is known from the bytes; whatever else stands in them is decided
    by `check_image_header`, in its own words. Of a remote file only JPEG and PNG have a
    header that is looked at.

    Raises:
        UnreadableImage: as there.
    """
    if has_fine_header(content, max_pixels):
        return
    if is_local(path):
        check_image_header(path, max_pixels)
    elif (size := find_size(content)) is not None:
        check_pixels(path, size, max_pixels)


def has_fine_header(content: bytes, max_pixels: int = MAX_PIXELS) -> bool:
    """Whether bytes are those of a JPEG or PNG whose size is stated and accepted."""
    size = find_size(content)
    limit = min(max_pixels, _get_pillow_limit())
    return size is not None and 0 < size[0] * size[1] <= limit


def is_local(path: str) -> bool:
    """Whether a path is one of the file system rather than an address."""
    return '://' not in path


def check_pixels(
    path: str, size: tuple[int, int], max_pixels: int = MAX_PIXELS
) -> None:
    """Refuse an image of more than `max_pixels`.

    Raises:
        UnreadableImage: it has more.
    """
    width, height = size
    if width * height > max_pixels:
        raise UnreadableImage(
            f'{path}: its header claims {width} x {height} pixels, more than {max_pixels}'
        )


def _name_fault(path: str) -> str:
    """What a file is that OpenCV does not know."""
    with open(path, 'rb') as file:
        head = file.read(12)
    if head[4:8] == b'ftyp' and head[8:10] in (b'he', b'mi', b'ms', b'av'):
        return (
            'a HEIC or AVIF picture, which OpenCV does not read. Fix: convert to JPEG'
        )
    return 'not an image' if head else 'an empty file'


def _get_pillow_limit() -> float:
    """Most pixels that Pillow opens."""
    limit = Image.MAX_IMAGE_PIXELS
    return math.inf if limit is None else 2 * limit


def _read_size(path: str) -> tuple[int, int] | None:
    """(W, H) as Pillow reads it, or, where it refuses, what the header says."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter('ignore', Image.DecompressionBombWarning)
            with Image.open(path) as image:
                return image.size
    except FileNotFoundError:
        raise
    # It refuses what OpenCV reads: PNG with long texts, TIFF of floats, HDR.
    except (OSError, ValueError, SyntaxError, struct.error):
        return parse_size(path)
