"""Writing the images of a dataset as shards that can be streamed."""

import contextlib
import io
import math
import os
from functools import partial
from pathlib import Path

import numpy as np

from gm_pose.fast_lane.images.original_images import read_bytes
from gm_pose.fast_lane.images.stream_shards import (
    StreamShards,
    import_litdata,
    is_remote,
)
from gm_pose.fast_lane.images.streamed_images import StreamedImages, make_stream_url
from gm_pose.fast_lane.people.packed_values import PackedTexts
from gm_pose.fast_lane.people.people_arrays import PeopleArrays
from gm_pose.runs.data_checks.unreadable_image import UnreadableImage
from gm_pose.runs.user_errors import UserError

__all__ = ['build_stream', 'check_first_image', 'estimate_stream', 'is_stream_whole']

SHARD_BYTES = 64_000_000
"""Some 400 images of COCO: a second from a bucket, and a few GB for eight at a time."""

_NUM_SAMPLED = 100


def is_stream_whole(people: PeopleArrays, url: str, cache: Path) -> bool:
    """Whether all images of a dataset are in the stream at an address."""
    with contextlib.suppress(UserError):
        shards = StreamShards(make_stream_url(people, url), cache, 0)
        return len(shards) == len(people.image_paths) and not shards.is_damaged()
    return False


def check_first_image(
    people: PeopleArrays, url: str, cache_dir: str | os.PathLike | None
) -> None:
    """Compare a stream's first image with its file, where that is there.

    Raises:
        UserError: it was changed, or is another dataset's image of that name and size.
    """
    path = people.image_paths[0]
    try:
        content = read_bytes(path)
    except UnreadableImage:
        return
    if StreamedImages(people, url, cache_dir, math.inf).read_content(0) != content:
        raise UserError(
            f'{make_stream_url(people, url)} has other bytes than {path}: the image was '
            'changed, or the stream is that of images with the same names and sizes. Fix: '
            '--overwrite, or another folder or address with --to'
        )


def estimate_stream(people: PeopleArrays) -> int:
    """Bytes of all images, from the sizes of some of them.

    Raises:
        UserError: none of those can be read.
    """
    count = len(people.image_paths)
    sizes = []
    for row in np.linspace(0, count - 1, _NUM_SAMPLED).round().astype(int):
        with contextlib.suppress(OSError):
            sizes.append(os.stat(people.image_paths[row]).st_size)
    if not sizes:
        raise UserError(
            f'none of {_NUM_SAMPLED} images is there, the last one '
            f'{people.image_paths[count - 1]}. Fix: check data_root and data_prefix'
        )
    return int(np.mean(sizes) * count)


def build_stream(
    people: PeopleArrays, url: str, workers: int = 1, shard_bytes: int = SHARD_BYTES
) -> str:
    """Write the bytes of all images, as they are, in the order of image rows.

    Args:
        people: of the dataset.
        url: folder, or address of a bucket that litdata writes to (s3://, gs://).
        workers: processes.
        shard_bytes: of a shard.

    Returns:
        Address of the stream.

    Raises:
        UserError: litdata is missing, or cannot write there.
    """
    litdata = import_litdata()
    target = make_stream_url(people, url)
    if target.startswith('local:'):  # what stands in for a bucket is written as it is
        target = target.removeprefix('local:')
    if not is_remote(target):
        target = str(Path(target).absolute())
        os.makedirs(target, exist_ok=True)
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            litdata.optimize(
                partial(_read_item, people.image_paths),
                list(range(len(people.image_paths))),
                target,
                chunk_bytes=shard_bytes,
                num_workers=min(workers, len(people.image_paths)),
                keep_data_ordered=True,
                reorder_files=False,
                mode='overwrite',
                start_method='fork',
                verbose=False,
            )
    except Exception as error:  # of as many types as there are clients
        reason = str(error).strip().partition('\n')[0][:300]
        raise UserError(
            f'the stream cannot be written into {target}: {reason}. Fix: name a folder '
            'or an address that can be written to with --to'
        ) from error
    return target


def _read_item(paths: PackedTexts, row: int) -> bytes:
    """Name, NUL and bytes of an image; none of one that cannot be read.

    Not a dict: where pyarrow is installed, litdata 0.2.76 writes dicts as Arrow rows, which
    it does not find when it reads single items.
    """
    path = paths[row]
    try:
        content = read_bytes(path)
    except UnreadableImage:
        content = b''
    return os.fsencode(path.removeprefix(paths.prefix)) + b'\0' + content
