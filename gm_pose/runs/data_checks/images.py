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
from gm_pose.runs.data_checks.unreadable_image import (
    UnreadableImage,
    check_image_header,
)

__all__ = ['check_images', 'inspect_image']

_CHUNK = 64


def inspect_image(folder: str, entry: dict) -> tuple[str, str] | None:
    """One image of `images` -> (kind of fault, 'name: what') or None.

    The header is read first: an image that claims more pixels than can be meant is never
    decoded.
    """
    name = str(entry['file_name'])
    path = osp.join(folder, name)
    if not osp.isfile(path):
        return 'missing', name
    try:
        size = check_image_header(path)
    except UnreadableImage as error:
        return 'unreadable', str(error).replace(f'{path}: ', f'{name}: ')
    data = np.fromfile(path, np.uint8)
    # Some versions of OpenCV fill a cut JPEG with grey and say nothing: its end marker,
    # which other data may follow, must be there.
    if data[:2].tobytes() == b'\xff\xd8' and b'\xff\xd9' not in data[-1024:].tobytes():
        return 'unreadable', f'{name}: a JPEG that is cut off'
    pixels = cv2.imdecode(data, cv2.IMREAD_COLOR)
    if pixels is None:
        return 'unreadable', f'{name}: cannot be decoded'
    stated = (entry.get('width'), entry.get('height'))
    # OpenCV turns by EXIF as training does: the size decoded is what counts.
    found = (pixels.shape[1], pixels.shape[0])
    if stated not in (found, size):
        return (
            'size',
            f'{name}: stated {stated[0]} x {stated[1]}, found {found[0]} x {found[1]}',
        )
    return None


def check_images(
    images: list[dict],
    folder: str,
    workers: int | None = None,
    report: Callable[[int, int], None] | None = None,
) -> list[Finding]:
    """Read every image of a COCO file.

    Args:
        images: its list ``images``.
        folder: where the files are.
        workers: processes; by default one for each CPU.
        report: called with (images done, images in all).
    """
    findings = {
        'missing': Finding(
            'missing images', 'training skips them, evaluation stops', True
        ),
        'unreadable': Finding(
            'unreadable images', 'training skips them, evaluation stops', True
        ),
        'size': Finding('images of another size than stated', 'boxes do not fit', True),
    }
    workers = workers or len(os.sched_getaffinity(0))
    inspect = partial(inspect_image, folder)
    with ProcessPoolExecutor(min(workers, max(len(images), 1))) as pool:
        results = pool.map(inspect, images, chunksize=_CHUNK)
        for done, fault in enumerate(results, 1):
            if fault is not None:
                findings[fault[0]].add([fault[1]], 'image')
            if report is not None:
                report(done, len(images))
    missing = findings['missing']
    names = [name.removeprefix('image ') for name in missing.examples]
    reason = explain_missing_images(names, folder)
    if reason is not None:
        missing.effect += f'; {reason[0]}. Fix: {reason[1]}'
    return list(findings.values())
