"""Pixels from a store; whatever is wrong with it, the image itself is read instead.

Shards are read with `pread`, not mapped: the page cache is shared all the same, and a file
that is truncated under a map ends the process with SIGBUS.
"""

import logging
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from mmengine.logging import print_log

from gm_pose.fast_lane.images.original_images import OriginalImages, read_bytes
from gm_pose.fast_lane.images.shard_files import ShardFiles
from gm_pose.fast_lane.images.store_plan import StorePlan, plan_store
from gm_pose.fast_lane.images.store_shards import ENTRY, hash_content, read_shard
from gm_pose.fast_lane.people.people_arrays import PeopleArrays
from gm_pose.runs.data_checks.unreadable_image import UnreadableImage
from gm_pose.runs.files.cache_folder import find_cache_folder
from gm_pose.runs.user_errors import UserError

if TYPE_CHECKING:
    from gm_pose.fast_lane.config.recipe import Recipe

__all__ = ['StoredImages', 'find_store', 'open_store']


def find_store(plan: StorePlan, cache_dir: str | os.PathLike | None = None) -> Path:
    """The folder of a store, there or not."""
    return find_cache_folder(cache_dir) / plan.kind / plan.key


def open_store(
    people: PeopleArrays,
    kind: str,
    recipe: 'Recipe',
    cache_dir: str | os.PathLike | None,
    originals: OriginalImages,
    verify: bool = False,
    is_partial: bool = False,
) -> 'StoredImages':
    """Open a store that was built by `gm_pose build-store`.

    Args:
        people: of the dataset.
        kind: 'images' or 'crops'.
        recipe: as it was when the store was built.
        cache_dir: see `find_cache_folder`.
        originals: read where the store has not what is asked for.
        verify: hash all shards now.
        is_partial: other machines have the rest; who is missing here is only
            reported when they are asked for.

    Raises:
        UserError: no shard of it is there.
    """
    plan = plan_store(people, kind, recipe)
    folder = find_store(plan, cache_dir)
    index = np.zeros(len(plan.rows), ENTRY)
    shard_of = np.full(len(plan.rows), -1, np.int32)
    shards = {}
    for number in range(plan.num_shards):
        start, end = plan.starts[number : number + 2]
        shard = read_shard(folder, number, end - start)
        if shard is not None:
            shards[number] = shard
            index[plan.rows[start:end]] = shard.entries
            shard_of[plan.rows[start:end]] = number
    if not shards:
        raise UserError(
            f'{folder} holds no store of this dataset. Fix: gm_pose build-store CONFIG '
            f"--kind {kind}, or set images='original'"
        )
    files = ShardFiles(shards)
    stored = StoredImages(people, kind, index, shard_of, files, originals, is_partial)
    missing = int((shard_of < 0).sum())
    if missing and not is_partial:
        stored.warn(f'{missing} of {len(shard_of)} entries are not in {folder}')
    if verify:
        for number in shards:
            files.verify(number)
        stored.warn_of(files)
    return stored


class StoredImages:
    """Reads entries of a store.

    An image whose file was changed after the store was built is read from the file: size
    and time stamp are compared when the image is first read by a process, since a look at
    all of them before the first iteration would be slow on a network disk, and the bytes
    are hashed if the time stamp alone is new, as after a copy.

    Args:
        people: of the dataset.
        kind: 'images' or 'crops'.
        index: (E,) of `ENTRY`, by row of the image or person.
        shard_of: (E,) shard of each, -1 where none is there.
        files: of the shards.
        originals: what is read instead.
        is_partial: other machines have the rest, see `open_store`.
    """

    def __init__(
        self,
        people: PeopleArrays,
        kind: str,
        index: np.ndarray,
        shard_of: np.ndarray,
        files: ShardFiles,
        originals: OriginalImages,
        is_partial: bool = False,
    ) -> None:
        self._paths = people.image_paths
        self.is_of_people = kind == 'crops'
        self._index, self._shard_of, self._files = index, shard_of, files
        self._originals = originals
        self._is_checked = np.zeros(len(index), bool)
        self._last: tuple[int, Any] = (-1, None)
        self.counts = {'changed': 0, 'gone': 0, 'absent': 0}
        self._is_absent = shard_of < 0
        self.is_partial = is_partial

    def read(
        self, image_row: int, person_row: int
    ) -> tuple[np.ndarray, np.ndarray | None]:
        """See `ImageSource.read`."""
        row = person_row if self.is_of_people else image_row
        if row == self._last[0]:
            return self._last[1]
        self._last = (-1, None)  # its bytes are overwritten now
        found = self._read_entry(row, image_row)
        if found is None:
            return self._originals.read(image_row, person_row)
        self._last = (row, found)
        return found

    def find_absent(self, people_rows: np.ndarray, image_rows: np.ndarray) -> int:
        """Number of people (n,) of images (n,) that no shard here has."""
        rows = people_rows if self.is_of_people else image_rows
        return int((self._shard_of[rows] < 0).sum())

    def _read_entry(
        self, row: int, image_row: int
    ) -> tuple[np.ndarray, np.ndarray | None] | None:
        if self._shard_of[row] < 0:
            if self.is_partial and self._is_absent[row]:
                path = self._paths[image_row]
                self._count('absent', f'{path} is not in the store; the file is read')
            return None
        entry = self._index[row]
        if not self._is_checked[row]:
            if not entry['num_bytes'] or not self._is_current(entry, image_row):
                self._shard_of[row] = -1
                return None
            self._is_checked[row] = True
        number = int(self._shard_of[row])
        data = self._files.read(number, int(entry['offset']), int(entry['num_bytes']))
        size = (int(entry['height']), int(entry['width']))
        if data is not None and not self.is_of_people:
            return data.reshape(*size, 3), None
        pixels = None if data is None else cv2.imdecode(data, cv2.IMREAD_COLOR)
        if pixels is not None and pixels.shape[:2] == size:
            return pixels, entry['stored_from_image']
        self._files.give_up(number, 'holds other bytes than were written')
        self._shard_of[self._shard_of == number] = -1
        self.warn_of(self._files)
        return None

    def _is_current(self, entry: Any, image_row: int) -> bool:
        """Whether the image's file is the one that was stored."""
        path = self._paths[image_row]
        try:
            stat = os.stat(path)
        except OSError:
            self._count('gone', f'{path} is gone; its pixels are in the store')
            return True
        if stat.st_size == entry['source_size']:
            if stat.st_mtime_ns == entry['source_mtime_ns']:
                return True
            try:
                if (hash_content(read_bytes(path)) == entry['source_hash']).all():
                    return True
            except UnreadableImage:
                pass
        self._count(
            'changed', f'{path} was changed after the store was built; the file is read'
        )
        return False

    def _count(self, what: str, text: str) -> None:
        """Warn of the first, the tenth, the hundredth, ..."""
        self.counts[what] += 1
        count = self.counts[what]
        if count == 10 ** (len(str(count)) - 1):
            self.warn(f'{text} ({count} so far in this process)')

    def warn_of(self, files: ShardFiles) -> None:
        """Say once of each shard why it is no longer read."""
        for text in files.take_complaints():
            self.warn(f'{text}; its images are read from their files')

    def warn(self, text: str) -> None:
        """Log a warning with the way out."""
        print_log(
            f'{text}. Fix: `gm_pose build-store CONFIG` makes what is missing',
            'current',
            logging.WARNING,
        )
