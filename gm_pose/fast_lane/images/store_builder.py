"""Building a store of pixels: estimated first, resumed after a kill, checked on repeat."""

import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from gm_pose.fast_lane.images.node_shares import NodeShare
from gm_pose.fast_lane.images.store_estimate import (
    StoreEstimate,
    estimate_store,
    list_missing,
)
from gm_pose.fast_lane.images.store_plan import StorePlan
from gm_pose.fast_lane.images.store_shards import write_shard
from gm_pose.fast_lane.people.people_arrays import PeopleArrays
from gm_pose.runs.files.cache_folder import explain_cache_error, hold_lock
from gm_pose.runs.launch.child_process import end_with_parent
from gm_pose.runs.user_errors import UserError

if TYPE_CHECKING:
    from gm_pose.fast_lane.config.recipe import Recipe

__all__ = ['build_store']

Progress = Callable[[int, int, float], None]

_RESERVE_BYTES = 200_000_000


def build_store(
    people: PeopleArrays,
    kind: str,
    recipe: 'Recipe',
    cache_dir: str | os.PathLike | None = None,
    workers: int = 1,
    progress: Progress | None = None,
    share: NodeShare | None = None,
    estimate: StoreEstimate | None = None,
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
        share: only shards of this machine; None: all.
        estimate: what `estimate_store` gave for the same arguments; None: made here.

    Returns:
        The folder of the store.

    Raises:
        UserError: not enough space, or the folder cannot be written.
    """
    if estimate is None:
        estimate = estimate_store(people, kind, recipe, cache_dir, share)
    needed = estimate.num_bytes * 1.05 + _RESERVE_BYTES
    if estimate.num_missing and estimate.free_bytes < needed:
        raise UserError(
            f'the store needs about {needed / 1e9:.2f} GB, of which '
            f'{_RESERVE_BYTES / 1e9:.2f} stay free, and its disk has '
            f'{estimate.free_bytes / 1e9:.2f} GB free ({estimate.folder}). Fix: name a '
            'folder on another disk with --cache-dir or $GM_POSE_CACHE'
        )
    plan, folder = estimate.plan, estimate.folder
    with hold_lock(folder.with_name(f'{folder.name}.lock')):
        try:
            folder.mkdir(exist_ok=True)
            for left in folder.glob('*.part*'):
                left.unlink()
            missing = list_missing(plan, folder, people, share)
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
    # Forked, so that the plan is not copied and MMPose not imported again. OpenCV's threads
    # end here first: a child waits for ever for those of its parent.
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    pool = ProcessPoolExecutor(
        min(workers, len(numbers)),
        get_context('fork'),
        initializer=end_with_parent,  # which has the lock
        initargs=(os.getpid(),),
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
        cv2.setNumThreads(threads)
