"""Missing, unreadable and oversized images, read in parallel."""

from __future__ import annotations

import os
import os.path as osp
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import partial

import cv2
import numpy as np

from gm_pose.runs.data_checks.file_names import explain_missing_images
from gm_pose.runs.data_checks.finding import Finding
from gm_pose.runs.data_checks.image_files import (
    find_similar_file,
    is_cut_jpeg,
    read_orientation,
)
from gm_pose.runs.data_checks.unreadable_image import (
    UnreadableImage,
    check_image_header,
    check_pixels,
)

__all__ = ['TURNED', 'check_images', 'inspect_image']

TURNED = 'images that their EXIF orientation turns'

_CHUNK = 64
_TURNED = (
    'MMPose trains on the turned image; if joints were marked on the stored one: '
    'cv2.imwrite(path, cv2.imread(path, cv2.IMREAD_IGNORE_ORIENTATION | 1)); '
    'if only width and height are the stored ones: swap these'
)


def inspect_image(folder: str, entry: dict) -> list[tuple[str, str]]:
    """One image of `images` -> (kind of fault, 'name: what') of each fault.

    The header is read first: an image that claims more pixels than can be meant is never
    decoded. Apart from that the decoder that MMPose uses says what is an image.
    """
    name = str(entry['file_name'])
    path = osp.join(folder, name)
    if not osp.isfile(path):
        similar = find_similar_file(folder, name)
        return [('missing', f'{name}, but {similar} is there' if similar else name)]
    try:
        check_image_header(path)
        data = np.fromfile(path, np.uint8)
        pixels = _decode(data, cv2.IMREAD_COLOR)
        if is_cut_jpeg(data.tobytes(), pixels):
            # Some versions of OpenCV fill the rest with grey and say nothing.
            raise UnreadableImage(f'{path}: a JPEG that is cut off')
        if pixels is None:
            raise UnreadableImage(f'{path}: OpenCV cannot decode it')
        check_pixels(path, (pixels.shape[1], pixels.shape[0]))
    except (UnreadableImage, OSError) as error:
        return [('unreadable', str(error).replace(f'{path}: ', f'{name}: '))]
    return _compare(name, entry, data, pixels)


def _decode(data: np.ndarray, flags: int) -> np.ndarray | None:
    try:
        return cv2.imdecode(data, flags)
    except cv2.error:
        return None


def _compare(
    name: str, entry: dict, data: np.ndarray, pixels: np.ndarray
) -> list[tuple[str, str]]:
    """Stated size, and orientation, against what was decoded."""
    faults = []
    stated, found = (entry['width'], entry['height']), pixels.shape[1::-1]
    orientation = read_orientation(data.tobytes())
    stored = None
    if orientation > 1:
        stored = _decode(data, cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
    if stored is not None and not np.array_equal(stored, pixels):
        faults.append(('turned', f'{name}: orientation {orientation}'))
    if stated != found:
        text = (
            f'{name}: stated {stated[0]} x {stated[1]}, found {found[0]} x {found[1]}'
        )
        if stored is not None and stated == stored.shape[1::-1]:
            faults.append(('stored', f'{text} after the turn'))
        else:
            faults.append(('size', text))
    return faults


def check_images(
    images: list[dict],
    folder: str,
    workers: int | None = None,
    report: Callable[[int, int], None] | None = None,
    orientations: dict[str, int] | None = None,
) -> list[Finding]:
    """Read every image of a COCO file.

    Args:
        images: its list ``images``.
        folder: where the files are.
        workers: processes; by default one for each CPU.
        report: called with (images done, images in all).
        orientations: takes `file_name` -> EXIF orientation of images that it turns.
    """
    skipped = 'training skips them, evaluation stops'
    findings = {
        'missing': Finding('missing images', skipped, True),
        'unreadable': Finding('unreadable images', skipped, True),
        'size': Finding('images of another size than stated', 'boxes do not fit', True),
        'turned': Finding(TURNED, _TURNED, False),
    }
    workers = workers or len(os.sched_getaffinity(0))
    inspect = partial(inspect_image, folder)
    with ProcessPoolExecutor(min(workers, max(len(images), 1))) as pool:
        results = pool.map(inspect, images, chunksize=_CHUNK)
        for done, faults in enumerate(results, 1):
            for kind, text in faults:
                if kind == 'turned' and orientations is not None:
                    name, _, number = text.rpartition(': orientation ')
                    orientations[name] = int(number)
                findings['size' if kind == 'stored' else kind].add([text], 'image')
                # The annotations are those of images that are not turned: all may be.
                findings['turned'].harmful |= kind == 'stored'
            if report is not None:
                report(done, len(images))
    missing = findings['missing']
    # an example goes on with the similar file that is there
    names = [e.removeprefix('image ').partition(', but ')[0] for e in missing.examples]
    reason = explain_missing_images(names, folder)
    if reason is not None:
        missing.effect += f'; {reason[0]}. Fix: {reason[1]}'
    return list(findings.values())
