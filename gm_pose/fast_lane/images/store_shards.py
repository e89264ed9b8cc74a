"""Shards of a store: pixels one after another, an index of them, and a mark of the end.

`00012.bin` holds the pixels, `00012.npy` the index, and `00012.json`, written last, the
sizes and hashes of both. A shard without its mark is made again.
"""

import hashlib
import io
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import cv2
import numpy as np

from gm_pose.fast_lane.images.original_images import decode_image, read_bytes
from gm_pose.fast_lane.images.store_plan import StorePlan
from gm_pose.runs.data_checks.unreadable_image import UnreadableImage
from gm_pose.runs.files.atomic_files import write_atomically
from gm_pose.runs.files.cache_folder import hash_file

__all__ = [
    'ENTRY',
    'Shard',
    'encode_entry',
    'hash_content',
    'read_shard',
    'write_mark',
    'write_shard',
]

ENTRY = np.dtype(
    [
        ('row', '<i8'),
        ('offset', '<i8'),
        ('num_bytes', '<i8'),  # 0: the image could not be read
        ('height', '<i4'),
        ('width', '<i4'),
        ('stored_from_image', '<f8', (2, 3)),
        ('source_size', '<i8'),
        ('source_mtime_ns', '<i8'),
        ('source_hash', 'u1', (16,)),
    ]
)
JPEG_QUALITY = 95


@dataclass(frozen=True)
class Shard:
    """A finished shard.

    Args:
        path: of the pixels.
        size, mtime_ns: of that file, as written.
        hash: of its bytes.
        entries: (n,) of `ENTRY`.
    """

    path: Path
    size: int
    mtime_ns: int
    hash: str
    entries: np.ndarray


def hash_content(content: bytes) -> np.ndarray:
    """(16,) uint8."""
    return np.frombuffer(hashlib.blake2b(content, digest_size=16).digest(), np.uint8)


def encode_entry(
    plan: StorePlan, at: int, image: np.ndarray
) -> tuple[Any, np.ndarray, tuple[int, int]]:
    """Image (h, w, 3) -> (bytes to store, stored_from_image (2, 3), (height, width)).

    Whole images are kept as they are. A crop is made smaller by area averages where it has
    more px than the network can use, and compressed.
    """
    height, width = image.shape[:2]
    if plan.rects_px is None:
        return np.ascontiguousarray(image), np.eye(2, 3), (height, width)
    x1, y1 = np.floor(plan.rects_px[at, :2]).astype(int)
    x2, y2 = np.ceil(plan.rects_px[at, 2:]).astype(int) + 1
    x1, y1 = min(max(x1, 0), width - 1), min(max(y1, 0), height - 1)
    x2, y2 = max(min(x2, width), x1 + 1), max(min(y2, height), y1 + 1)
    part = image[y1:y2, x1:x2]
    matrix = np.array([[1.0, 0, -x1], [0, 1, -y1]])
    if plan.factors[at] < 1:
        size = np.maximum(1, np.round(np.array(part.shape[1::-1]) * plan.factors[at]))
        scale = size / part.shape[1::-1]
        part = cv2.resize(part, size.astype(int).tolist(), interpolation=cv2.INTER_AREA)
        # The left edge of a px stays an edge: x' + 1/2 = scale (x - x1 + 1/2).
        matrix[:, 2] = scale * (matrix[:, 2] + 0.5) - 0.5
        matrix[[0, 1], [0, 1]] = scale
    quality = [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY]
    data = cv2.imencode('.jpg', part, quality)[1]
    return data, matrix, (part.shape[0], part.shape[1])


def write_shard(folder: Path, number: int, plan: StorePlan, paths: Any) -> int:
    """Read, decode and write the entries of one shard -> its bytes.

    Args:
        folder: of the store.
        number: of the shard.
        plan: of the store.
        paths: of the dataset's images.

    Raises:
        OSError: as the file system gave it.
    """
    entries = np.zeros(plan.starts[number + 1] - plan.starts[number], ENTRY)
    path = folder / f'{number:05d}.bin'
    partial = path.with_suffix(f'.{os.getpid()}.part')
    path.with_suffix('.json').unlink(missing_ok=True)
    try:
        with open(partial, 'wb') as file:
            digest = _write_entries(file, entries, number, plan, paths)
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, path)
    except BaseException:
        partial.unlink(missing_ok=True)  # of a disk that is full
        raise
    index = io.BytesIO()
    np.save(index, entries, allow_pickle=False)
    write_atomically(path.with_suffix('.npy'), index.getvalue())
    write_mark(path, digest)
    return path.stat().st_size


def _write_entries(
    file: BinaryIO, entries: np.ndarray, number: int, plan: StorePlan, paths: Any
) -> str:
    """Write the pixels of a shard and fill its index -> hash of the bytes."""
    digest = hashlib.blake2b(digest_size=16)
    last, image = -1, None
    for entry, at in zip(
        entries, range(*plan.starts[number : number + 2]), strict=True
    ):
        entry['row'], entry['offset'] = plan.rows[at], file.tell()
        source = paths[plan.image_rows[at]]
        if plan.image_rows[at] != last:
            last, (image, known) = plan.image_rows[at], _read_source(source)
        for name, value in known.items():
            entry[name] = value
        if image is None:
            continue
        data, matrix, size = encode_entry(plan, at, image)
        entry['stored_from_image'] = matrix
        entry['height'], entry['width'] = size
        entry['num_bytes'] = data.nbytes
        file.write(data)
        digest.update(data)
    return digest.hexdigest()


def write_mark(path: Path, content_hash: str) -> None:
    """Say that a shard is whole."""
    stat = path.stat()
    mark = dict(
        size=stat.st_size,
        mtime_ns=stat.st_mtime_ns,
        hash=content_hash,
        index_hash=hash_file(path.with_suffix('.npy')),
    )
    write_atomically(path.with_suffix('.json'), json.dumps(mark).encode())


def _read_source(path: str) -> tuple[np.ndarray | None, dict[str, Any]]:
    """Path -> (pixels or None, what is kept of the file)."""
    try:
        stat = os.stat(path)
        content = read_bytes(path)
        known = dict(
            source_size=stat.st_size,
            source_mtime_ns=stat.st_mtime_ns,
            source_hash=hash_content(content),
        )
        return decode_image(content, path), known
    except (OSError, UnreadableImage):
        return None, {}


def read_shard(folder: Path, number: int, count: int) -> Shard | None:
    """A finished shard of `count` entries, or None.

    The index is read, not mapped: a file that shrinks under a map kills the process.
    """
    path = folder / f'{number:05d}.bin'
    try:
        mark = json.loads(path.with_suffix('.json').read_bytes())
        if hash_file(path.with_suffix('.npy')) != mark['index_hash']:
            return None
        entries = np.load(path.with_suffix('.npy'), allow_pickle=False)
        if entries.dtype != ENTRY or len(entries) != count:
            return None
        return Shard(path, mark['size'], mark['mtime_ns'], mark['hash'], entries)
    except (OSError, ValueError, KeyError, TypeError):
        return None
