"""Building a store of pixels: told before, resumed after a kill, checked when repeated."""

import contextlib
import os
import shutil
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from gm_pose.fast_lane.image_store import find_store
from gm_pose.fast_lane.original_images import decode_image, read_bytes
from gm_pose.fast_lane.people_arrays import PeopleArrays
from gm_pose.fast_lane.store_plan import StorePlan, plan_store
from gm_pose.fast_lane.store_shards import (
    Shard,
    encode_entry,
    read_shard,
    write_mark,
    write_shard,
)
from gm_pose.runs.data_checks.unreadable_image import UnreadableImage
from gm_pose.runs.files.cache_folder import explain_cache_error, hash_file, hold_lock
from gm_pose.runs.user_errors import UserError

if TYPE_CHECKING:
    from gm_pose.fast_lane.recipe import Recipe

__all__ = ['StoreEstimate', 'build_store', 'estimate_store']

Progress = Callable[[int, int, float], None]

_NUM_SAMPLED = 32
_RESERVE_BYTES = 200_000_000


@dataclass(frozen=True)
class StoreEstimate:
    """What building a store takes.

    Args:
        folder: of the store.
        num_entries: images or people in it.
        num_missing: those in shards that have to be written.
        num_bytes: of the missing ones.
        free_bytes: on its disk.
        seconds: of one process, for the missing ones.
        num_unreadable: of the images that were looked at for this estimate.
    """

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
) -> StoreEstimate:
    """Encode some entries, spread over the dataset -> what all will take.

    Nothing is written.

    Args:
        people: of the dataset.
        kind: 'images' or 'crops'.
        recipe: decides how much of an image a crop needs.
        cache_dir: see `find_cache_folder`.

    Raises:
        UserError: none of the images looked at can be read.
    """
    plan = plan_store(people, kind, recipe)
    folder = find_store(plan, cache_dir)
    missing = _list_missing(plan, folder, people)
    num_missing = sum(int(np.diff(plan.starts)[number]) for number in missing)
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
        folder, len(plan.rows), num_missing, int(np.mean(sizes) * num_missing),
        _find_free_bytes(folder), seconds * num_missing, len(unreadable),
    )  # fmt: skip


def build_store(
    people: PeopleArrays,
    kind: str,
    recipe: 'Recipe',
    cache_dir: str | os.PathLike | None = None,
    workers: int = 1,
    progress: Progress | None = None,
) -> Path:
    """Write the shards that are missing, damaged or no longer those of the images.

    A shard counts once it is whole: a build that was killed goes on with the next one.

    Args:
        people: of the dataset.
        kind: 'images' or 'crops'.
        recipe: decides how much of an image a crop needs.
        cache_dir: see `find_cache_folder`.
        workers: processes; 1 builds in this one.
        progress: called with entries done, entries in all, and seconds left.

    Returns:
        The folder of the store.

    Raises:
        UserError: not enough space, or the folder cannot be written.
    """
    estimate = estimate_store(people, kind, recipe, cache_dir)
    needed = estimate.num_bytes * 1.05 + _RESERVE_BYTES
    if estimate.num_missing and estimate.free_bytes < needed:
        raise UserError(
            f'the store needs about {estimate.num_bytes / 1e9:.1f} GB and its disk has '
            f'{estimate.free_bytes / 1e9:.1f} GB free ({estimate.folder}). Fix: name a '
            'folder on another disk with --cache-dir or $GM_POSE_CACHE'
        )
    plan, folder = plan_store(people, kind, recipe), estimate.folder
    with hold_lock(folder.with_name(f'{folder.name}.lock')):
        try:
            folder.mkdir(exist_ok=True)
            for left in folder.glob('*.part*'):
                left.unlink()
            missing = _list_missing(plan, folder, people)
            _write_shards(folder, missing, plan, people, workers, progress)
        except OSError as error:
            raise explain_cache_error(error, folder) from error
        except BrokenProcessPool as error:
            raise UserError(
                'a process that built the store was killed, perhaps for want of memory. '
                'Fix: run the command again with fewer --workers; it goes on'
            ) from error
    return folder


def _write_shards(
    folder: Path,
    numbers: list[int],
    plan: StorePlan,
    people: PeopleArrays,
    workers: int,
    progress: Progress | None,
) -> None:
    counts = np.diff(plan.starts)
    total, done, began = int(counts[numbers].sum()), 0, time.monotonic()
    for number in _run(folder, numbers, plan, people, workers):
        done += int(counts[number])
        if progress is not None:
            left = (time.monotonic() - began) / done * (total - done)
            progress(done, total, left)


def _run(
    folder: Path,
    numbers: list[int],
    plan: StorePlan,
    people: PeopleArrays,
    workers: int,
) -> Iterator[int]:
    """Write shards -> their numbers, as they are finished."""
    if workers <= 1 or len(numbers) <= 1:
        for number in numbers:
            write_shard(folder, number, plan, people.image_paths)
            yield number
        return
    # Forked, so that the plan is not copied and MMPose not imported again.
    pool = ProcessPoolExecutor(
        min(workers, len(numbers)), get_context('fork'), cv2.setNumThreads, (1,)
    )
    try:
        tasks = {
            pool.submit(write_shard, folder, number, plan, people.image_paths): number
            for number in numbers
        }
        for task in as_completed(tasks):
            task.result()
            yield tasks[task]
    finally:
        pool.shutdown(cancel_futures=True)


def _list_missing(plan: StorePlan, folder: Path, people: PeopleArrays) -> list[int]:
    """Shards to be written; one that was only copied gets its new time stamp."""
    missing = []
    for number, count in enumerate(np.diff(plan.starts)):
        shard = read_shard(folder, number, count)
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
