"""`gm_pose build-store`: decoded images, or a crop of each person, for the fast lane."""

from __future__ import annotations

import argparse
import os
import sys
from typing import Any

from gm_pose.cli import make_parser
from gm_pose.cli.run_arguments import add_cfg_options, run_task
from gm_pose.cli.run_config import read_config
from gm_pose.cli.store_datasets import check_files, list_datasets, read_share
from gm_pose.runs.launch.time_left import format_time

DESCRIPTION = """Decode the images of a config's datasets once, for training and evaluation
with --fast. `images` keeps whole images as they are decoded; `crops` keeps of each person
what the augmentation can reach, compressed (JPEG 95), about 15 times smaller. Size, free
space and time are printed first. An interrupted build resumes when it is run again;
images that were changed since are read again. With --node a machine stores its own share
(fast_lane.shards='node'). `stream` writes the images' bytes as shards of litdata into a
folder or a bucket, which runs read by images='stream:DIR_OR_URL'."""
EXAMPLE = """example:
  gm_pose build-store configs/gm_best_res50_coco.py --dry-run
  gm_pose build-store configs/gm_best_res50_coco.py --kind crops --splits train
  gm_pose build-store configs/gm_best_res50_coco.py --node 0 --nodes 4
  gm_pose build-store configs/gm_best_res50_coco.py --kind stream --to s3://bucket/coco"""

_SPLITS = ('train', 'val', 'test')


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('config', help='config file')
    parser.add_argument(
        '--kind',
        choices=['images', 'crops', 'stream'],
        default='images',
        help='(%(default)s)',
    )
    parser.add_argument('--to', metavar='DIR_OR_URL', help='of --kind stream: where to')
    parser.add_argument(
        '--overwrite', action='store_true', help='of --kind stream: write it again'
    )
    parser.add_argument(
        '--node', type=int, metavar='I', help='store share I of --nodes, from 0'
    )
    parser.add_argument(
        '--nodes', type=int, metavar='N', help='machines that share the images'
    )
    parser.add_argument(
        '--splits',
        nargs='+',
        choices=_SPLITS,
        default=['train', 'val'],
        help='whose datasets (default: train val)',
    )
    parser.add_argument(
        '--cache-dir',
        metavar='DIR',
        help='folder of the store (default: $GM_POSE_CACHE, else ~/.cache/gm_pose); '
        'give the run the same one',
    )
    parser.add_argument(
        '--workers', type=int, help='processes that decode (default: one for each CPU)'
    )
    parser.add_argument(
        '--dry-run',
        action='store_true',
        help='print size, free space and time, and stop',
    )
    parser.add_argument(
        '--gt-boxes',
        action='store_true',
        help='the people of the annotations, not those of a detection file',
    )
    add_cfg_options(parser)


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    return make_parser('build-store').parse_args(argv)


def run(args: argparse.Namespace) -> int:
    """Build; 0."""
    return run_task(run_build, args)


def run_build(args: argparse.Namespace) -> None:
    """Tell what it takes, then build the stores of all splits.

    Raises:
        UserError: a config that the fast lane does not know, a file that is not there or
            wrong, or too little space.
    """
    from gm_pose.fast_lane.images.store_builder import build_store
    from gm_pose.fast_lane.images.store_estimate import estimate_store
    from gm_pose.fast_lane.people.people_arrays import load_people
    from gm_pose.fast_lane.people.people_columns import UnpackableDataset
    from gm_pose.runs.user_errors import UserError

    workers = args.workers
    if workers is None:
        workers = len(os.sched_getaffinity(0))
    if workers < 1:
        raise UserError(f'--workers {workers} is too few; expected at least 1')
    cfg = read_config(args.config)
    share = read_share(args)
    seen = set()
    datasets = list_datasets(cfg, args)
    cache_dir = cfg.fast_lane.get('cache_dir')
    check_files(cfg, [split for split, _, _ in datasets])
    for split, dataset, recipe in datasets:
        try:
            people = load_people(dataset, cache_dir)
        except UnpackableDataset as error:
            raise UserError(f'{split}_dataloader.dataset: {error}') from error
        if args.kind == 'stream':
            write_stream(split, people, args, cache_dir, workers)
            continue
        estimate = estimate_store(people, args.kind, recipe, cache_dir, share)
        if estimate.folder in seen:
            continue
        seen.add(estimate.folder)
        text = describe(estimate, args.kind, workers, share is not None)
        print(f'{split}: {text}', flush=True)
        if args.dry_run or not estimate.num_missing:
            continue
        build_store(
            people,
            args.kind,
            recipe,
            cache_dir,
            workers,
            show_progress,
            share,
            estimate,
        )


def write_stream(
    split: str, people: Any, args: argparse.Namespace, cache_dir: Any, workers: int
) -> None:
    """Tell what a stream takes, then write it if it is not there."""
    from gm_pose.fast_lane.images.stream_builder import (
        build_stream,
        check_first_image,
        estimate_stream,
        is_stream_whole,
    )
    from gm_pose.runs.files.cache_folder import find_cache_folder

    cache = find_cache_folder(cache_dir) / 'streams'
    count = len(people.image_paths)
    if not args.overwrite and is_stream_whole(people, args.to, cache):
        check_first_image(people, args.to, cache_dir)
        print(f'{split}: all {count} images are in {args.to}', flush=True)
        return
    size = estimate_stream(people)
    print(
        f'{split}: {count} images, about {size / 1e9:.2f} GB, into {args.to}',
        flush=True,
    )
    if not args.dry_run:
        build_stream(people, args.to, workers)


def describe(estimate: Any, kind: str, workers: int, is_share: bool = False) -> str:
    """What a store, or a machine's share of it, takes, in one line."""
    what = 'images' if kind == 'images' else 'people'
    what += ' of this share' if is_share else ''
    if not estimate.num_missing:
        return f'all {estimate.num_entries} {what} are in {estimate.folder}'
    seconds = estimate.seconds / workers
    return (
        f'{estimate.num_missing} of {estimate.num_entries} {what}, about '
        f'{estimate.num_bytes / 1e9:.2f} GB of {estimate.free_bytes / 1e9:.1f} GB free, '
        f'about {format_time(seconds)} with {workers} processes, into {estimate.folder}'
    )


def show_progress(done: int, total: int, seconds_left: float) -> None:
    """A line for each shard; one that is overwritten on a terminal."""
    text = f'{done}/{total} stored'
    text += f', {format_time(seconds_left)} left' if done < total else ''
    if sys.stderr.isatty():
        end = '\r' if done < total else '\n'
        print(f'{text:60}', end=end, file=sys.stderr, flush=True)
    else:
        print(text, file=sys.stderr, flush=True)


def main(argv: list[str] | None = None) -> None:
    run(parse_args(argv))


if __name__ == '__main__':
    main()
