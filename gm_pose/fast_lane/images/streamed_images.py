"""Images read from the shards of a stream, which may be in a bucket."""

import hashlib
import os
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from gm_pose.fast_lane.images.original_images import decode_image
from gm_pose.fast_lane.images.stream_shards import (
    StreamShards,
    import_litdata,
    is_remote,
)
from gm_pose.fast_lane.people.people_arrays import IMAGE_COLUMNS, PeopleArrays
from gm_pose.runs.data_checks.unreadable_image import (
    MAX_PIXELS,
    UnreadableImage,
    has_fine_header,
)
from gm_pose.runs.files.cache_folder import find_cache_folder
from gm_pose.runs.user_errors import UserError

__all__ = ['WINDOW_SHARDS', 'StreamedImages', 'make_stream_url']

WINDOW_SHARDS = 8
"""Shards that a machine reads at once: enough for a batch to mix thousands of images, few
enough for a local disk."""


def make_stream_url(people: PeopleArrays, url: str) -> str:
    """Address of all streams -> that of these people's images.

    Named after the images' names and sizes in their order: item i of the stream is image
    row i.
    """
    digest = hashlib.blake2b(digest_size=16)
    for name in IMAGE_COLUMNS:
        digest.update(np.ascontiguousarray(people.arrays[name]).tobytes())
    return f'{url.rstrip("/")}/{digest.hexdigest()}'


class StreamedImages:
    """Reads what `OriginalImages` reads, from shards instead of files.

    Args:
        people: of the dataset.
        url: address that the streams were built into.
        cache_dir: see `find_cache_folder`.
        max_bytes: most that is kept on this machine of a stream.
        max_pixels: largest image accepted (W x H).

    Raises:
        UserError: no stream of this dataset is there, litdata is not installed, or
            `max_bytes` has no room for the shards that are read at once.
    """

    def __init__(
        self,
        people: PeopleArrays,
        url: str,
        cache_dir: str | os.PathLike | None,
        max_bytes: float,
        max_pixels: int = MAX_PIXELS,
    ) -> None:
        import_litdata()
        self._paths = people.image_paths
        self._max_pixels = max_pixels
        cache = find_cache_folder(cache_dir) / 'streams'
        self.shards = StreamShards(make_stream_url(people, url), cache, max_bytes)
        if len(self.shards) != len(self._paths):
            raise UserError(
                f'{self.shards.url} holds {len(self.shards)} images of '
                f'{len(self._paths)}. Fix: build it again with --overwrite'
            )
        self.shards.check_room(WINDOW_SHARDS + 1)
        self._items: Any = None
        self._owner = -1
        self._row: int | None = None
        self._pixels = np.zeros((0, 0, 3), np.uint8)

    def read(self, image_row: int, person_row: int) -> tuple[np.ndarray, None]:
        """See `ImageSource.read`."""
        if image_row != self._row:
            path = self._paths[image_row]
            content = self.read_content(image_row)
            if not content:
                raise UnreadableImage(f'{path}: not readable when its stream was built')
            self._pixels = self._decode(content, path)
            self._row = image_row
        return self._pixels, None

    def _decode(self, content: bytes, path: str) -> np.ndarray:
        if has_fine_header(content, self._max_pixels):
            return decode_image(content, path, self._max_pixels)
        with (
            tempfile.NamedTemporaryFile() as file
        ):  # other headers are read from a file
            file.write(content)
            file.flush()
            try:
                return decode_image(content, file.name, self._max_pixels)
            except UnreadableImage as error:
                text = str(error).replace(file.name, path)
                raise UnreadableImage(text) from None

    def read_content(self, row: int) -> bytes:
        """The bytes of an image's file; none of one that could not be read.

        Raises:
            UnreadableImage: its shard cannot be read.
        """
        path = self._paths[row]
        for is_last_try in (False, True):
            try:
                self.shards.fetch(int(self.shards.find(row)))
                item = self._open()[int(row)]
                break
            except Exception as error:  # of as many types as there are clients
                # Another process may have removed the shard between looking and opening.
                if is_last_try:
                    reason = str(error).strip().partition('\n')[0][:200]
                    raise UnreadableImage(f'{path}: {reason}') from error
        name, _, content = bytes(item).partition(b'\0')
        if not path.endswith(os.fsdecode(name)):
            raise UnreadableImage(
                f'{path}: the stream has {os.fsdecode(name)} in its place; build it again'
            )
        return content

    def _open(self) -> Any:
        """litdata's dataset, opened in each process: a fork shares the place in a file."""
        if self._owner != os.getpid():
            from litdata.streaming.resolver import Dir

            folder = Path(self.shards.folder)
            url = self.shards.url if is_remote(self.shards.url) else None
            source = Dir(path=str(folder.absolute()), url=url)
            self._items = import_litdata().StreamingDataset(source)
            self._owner = os.getpid()
        return self._items
