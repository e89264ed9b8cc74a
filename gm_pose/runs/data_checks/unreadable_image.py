"""Reading an image's header before its pixels; imports no mm* package."""

import os.path as osp
import warnings

from PIL import Image, UnidentifiedImageError

__all__ = ['MAX_PIXELS', 'SKIPPED', 'UnreadableImage', 'check_image_header']

MAX_PIXELS = 100_000_000
"""Largest image accepted: 300 MB decoded. COCO's largest has 0.4 million pixels."""

SKIPPED = 'skipped_images'
"""Metainfo field of a sample that took the place of unreadable ones."""


class UnreadableImage(Exception):
    """An image that cannot be used. The text is 'path: reason'."""


def check_image_header(path: str, max_pixels: int = MAX_PIXELS) -> tuple[int, int]:
    """Read the size from an image's header -> (W, H) in px; no pixel is decoded.

    Raises:
        UnreadableImage: no such file, an empty one, no image, or one whose header claims
            more than `max_pixels` (a few bytes of PNG can claim 10^9).
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter('ignore', Image.DecompressionBombWarning)
            with Image.open(path) as image:
                width, height = image.size
    except FileNotFoundError:
        raise UnreadableImage(f'{path}: no such file') from None
    except Image.DecompressionBombError:
        raise UnreadableImage(
            f'{path}: its header claims more than {max_pixels} pixels'
        ) from None
    except UnidentifiedImageError:
        reason = 'an empty file' if osp.getsize(path) == 0 else 'not an image'
        raise UnreadableImage(f'{path}: {reason}') from None
    except (OSError, ValueError, SyntaxError) as error:
        raise UnreadableImage(f'{path}: {error}') from None
    if width * height > max_pixels:
        raise UnreadableImage(
            f'{path}: its header claims {width} x {height} pixels, more than {max_pixels}'
        )
    return width, height
