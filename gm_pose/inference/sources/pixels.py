"""Files and arrays of any kind -> pixels as MMPose's `LoadImage` has them."""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from gm_pose.fast_lane.images.original_images import (
    MAX_PIXELS,
    decode_image,
    read_bytes,
)
from gm_pose.runs.data_checks.image_files import is_cut_jpeg
from gm_pose.runs.data_checks.image_header import find_size
from gm_pose.runs.data_checks.unreadable_image import UnreadableImage

__all__ = ['decode_upload', 'read_image', 'to_bgr']


def read_image(path: str) -> NDArray[np.uint8]:
    """Image file -> (h, w, 3) uint8 BGR, as `LoadImage` decodes it.

    Turned as EXIF says; grey is repeated, CMYK converted, alpha dropped, of 16 bits the
    upper 8 are taken, of several pages the first.

    Raises:
        UnreadableImage: 'path: reason'; a JPEG that was cut off is one: OpenCV fills what
            is missing with grey; a TIFF of floats that are not from 0 to 1 is another:
            OpenCV makes it white.
    """
    content = read_bytes(path)
    pixels = decode_whole(content, path)
    if content[:4] in (b'II*\0', b'MM\0*'):
        _check_floats(content, path)
    return pixels


def decode_upload(
    content: bytes, max_pixels: int, name: str = 'upload://image'
) -> NDArray[np.uint8]:
    """Bytes of a JPEG or PNG from anywhere -> (h, w, 3) uint8 BGR, as `read_image`.

    Args:
        content: of the file.
        max_pixels: by its header, which is looked at before memory is taken.
        name: for messages; of no local file, whose header would be read from the disk.

    Raises:
        UnreadableImage: 'name: reason'; of other formats too, whose size is not known
            beforehand.
    """
    if find_size(content) is None:
        raise UnreadableImage(f'{name}: no JPEG or PNG')
    return decode_whole(content, name, max_pixels)


def decode_whole(
    content: bytes, name: str, max_pixels: int = MAX_PIXELS
) -> NDArray[np.uint8]:
    """Bytes of an image -> pixels, as `read_image`."""
    pixels = decode_image(content, name, max_pixels)
    if is_cut_jpeg(content):
        raise UnreadableImage(f'{name}: the JPEG is cut off ({len(content)} bytes)')
    return pixels


def _check_floats(content: bytes, path: str) -> None:
    """Refuse floats of which most would be cut off at white."""
    values = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_UNCHANGED)
    if values is None or values.dtype.kind != 'f':
        return
    if values.mean(dtype=np.float64) > 1:
        raise UnreadableImage(
            f'{path}: {values.dtype} up to {values.max():g}; expected 0 to 1. Fix: save it '
            'with 8 or 16 bits'
        )


def to_bgr(image: Any) -> NDArray[np.uint8]:
    """Array or PIL image -> (h, w, 3) uint8 BGR.

    Args:
        image: (h, w, 3) uint8 in OpenCV's order BGR is used as it is; (h, w) and (h, w, 1)
            are grey; (h, w, 4) loses its last channel; of uint16 the upper 8 bits are
            taken. A PIL image, which is RGB, is turned as EXIF says and converted.

    Raises:
        ValueError: another shape or type; the text names it.
    """
    if not isinstance(image, np.ndarray) and hasattr(image, 'convert'):
        from PIL import ImageOps

        rgb = np.asarray(ImageOps.exif_transpose(image).convert('RGB'))
        return np.ascontiguousarray(rgb[:, :, ::-1])
    if not isinstance(image, np.ndarray):
        raise ValueError(
            f'the image is a {type(image).__name__}; expected a path, an array (h, w, 3) '
            'uint8 BGR or a PIL image'
        )
    array = image[:, :, 0] if image.ndim == 3 and image.shape[2] == 1 else image
    is_shaped = array.ndim == 2 or (array.ndim == 3 and array.shape[2] in (3, 4))
    if not is_shaped or 0 in array.shape:
        raise ValueError(
            f'the image is an array of shape {image.shape}; expected (h, w, 3) BGR, '
            '(h, w, 4) or (h, w)'
        )
    if array.dtype == np.uint16:
        array = (array >> 8).astype(np.uint8)
    if array.dtype == np.bool_:
        array = array.astype(np.uint8) * 255
    if array.dtype != np.uint8:
        raise ValueError(
            f'the image is of {array.dtype}; expected uint8 (0 to 255) or uint16. Fix: '
            '(image * 255).clip(0, 255).astype(np.uint8) for values from 0 to 1'
        )
    if array.ndim == 2:
        return np.repeat(array[:, :, None], 3, 2)
    return np.ascontiguousarray(array[:, :, :3])
