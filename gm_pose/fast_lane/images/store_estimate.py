"""What building a store takes, and which of its shards have to be written."""

import contextlib
import os
import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from gm_pose.fast_lane.images.image_store import find_store
from gm_pose.fast_lane.images.node_shares import NodeShare, list_shards
from gm_pose.fast_lane.images.original_images import decode_image, read_bytes
from gm_pose.fast_lane.images.store_plan import StorePlan, plan_store
from gm_pose.fast_lane.images.store_shards import (
    Shard,
    encode_entry,
    read_shard,
    write_mark,
)
from gm_pose.fast_lane.people.people_arrays import PeopleArrays
from gm_pose.runs.data_checks.unreadable_image import UnreadableImage
from gm_pose.runs.files.cache_folder import hash_file
from gm_pose.runs.user_errors import UserError

if TYPE_CHECKING:
    from gm_pose.fast_lane.config.recipe import Recipe

__all__ = ['StoreEstimate', 'estimate_store', 'list_missing']

_NUM_SAMPLED = 32


@dataclass(frozen=True)
class StoreEstimate:
    """What building a store takes.

    Args:
        plan: of the store.
        folder: of the store.
        num_entries: images or people in it, or in a machine's share of it.
        num_missing: those in shards that have to be written.
        num_bytes: of the missing ones.
        free_bytes: on its disk.
        seconds: of one process, for the missing ones.
        num_unreadable: of the images that were looked at for this estimate.
    """

    plan: StorePlan
    folder: Path
    num_entries: int
    num_missing: int
    num_bytes: int
    free_bytes: int
    seconds: float
    num_unreadable: int


def estimate_store(
    people: PeopleArrays,
    kind: str,
    recipe: 'Recipe',
    cache_dir: str | os.PathLike | None = None,
    share: NodeShare | None = None,
) -> StoreEstimate:
    """Encode some entries, spread over the dataset -> what all will take.

    Nothing is written.

    Args:
        people: of the dataset.
        kind: 'images' or 'crops'.
        recipe: decides how much of an image a crop needs.
        cache_dir: see `find_cache_folder`.
        share: only shards of this machine; None: all.

    Raises:
        UserError: none of the images looked at can be read.
    """
    plan = plan_store(people, kind, recipe)
    folder = find_store(plan, cache_dir)
    missing = list_missing(plan, folder, people, share)
    counts = np.diff(plan.starts)
    num_entries, num_missing = (
        int(counts[[*numbers]].sum())
        for numbers in (list_shards(plan, people, share), missing)
    )
    sizes, unreadable = [], []
    began = time.process_time()
    for at in np.linspace(0, len(plan.rows) - 1, _NUM_SAMPLED).round().astype(int):
        path = people.image_paths[plan.image_rows[at]]
        try:
            image = decode_image(read_bytes(path), path)
            sizes.append(encode_entry(plan, int(at), image)[0].nbytes)
        except UnreadableImage as error:
            unreadable.append(str(error))
    if not sizes:
        raise UserError(
            f'none of {len(unreadable)} images can be read, the last one {unreadable[-1]}. '
            'Fix: check data_root and data_prefix'
        )
    seconds = (time.process_time() - began) / len(sizes)
    if kind == 'crops':  # neighbours share an image, which is decoded once
        seconds *= len(np.unique(plan.image_rows)) / len(plan.rows)
    return StoreEstimate(
        plan,
        folder,
        num_entries,
        num_missing,
        int(np.mean(sizes) * num_missing),
        _find_free_bytes(folder),
        seconds * num_missing,
        len(unreadable),
    )


def list_missing(
    plan: StorePlan,
    folder: Path,
    people: PeopleArrays,
    share: NodeShare | None = None,
) -> list[int]:
    """Shards to be written; one that was only copied gets its new time stamp."""
    missing = []
    counts = np.diff(plan.starts)
    for number in list_shards(plan, people, share):
        shard = read_shard(folder, number, counts[number])
        if shard is None or not (_is_whole(shard) and _is_current(shard, plan, people)):
            missing.append(number)
    return missing


def _is_whole(shard: Shard) -> bool:
    try:
        stat = shard.path.stat()
        if stat.st_size != shard.size:
            return False
        if stat.st_mtime_ns != shard.mtime_ns:
            if hash_file(shard.path) != shard.hash:
                return False
            with contextlib.suppress(OSError):
                write_mark(shard.path, shard.hash)
    except OSError:
        return False
    return True


def _is_current(shard: Shard, plan: StorePlan, people: PeopleArrays) -> bool:
    """Whether no image of the shard was changed since, by size and time stamp."""
    image_of = dict(zip(plan.rows.tolist(), plan.image_rows.tolist(), strict=True))
    seen = set()
    for entry in shard.entries:
        row = image_of[int(entry['row'])]
        if row in seen:
            continue
        seen.add(row)
        try:
            stat = os.stat(people.image_paths[row])
        except OSError:
            continue  # gone: what is stored is all there is
        known = (entry['source_size'], entry['source_mtime_ns'])
        if (stat.st_size, stat.st_mtime_ns) != known:
            return False
    return True


def _find_free_bytes(folder: Path) -> int:
    """Free bytes of the disk that a folder is, or will be, on."""
    while not folder.exists():
        folder = folder.parent
    return shutil.disk_usage(folder).free
