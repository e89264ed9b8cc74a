"""`gm_pose make-synthetic-coco`: rendered people in COCO's folder and JSON layout."""

from __future__ import annotations

import argparse
import sys
import time

from gm_pose.cli import make_parser

DESCRIPTION = """Render people with exact COCO keypoints (17 joints, visibility, boxes,
masks) in the layout of COCO 2017, so that every COCO config runs on them by changing its
data root. A whole dataset with the same settings is kept as it is."""
EXAMPLE = """example:
  gm_pose make-synthetic-coco --out data/synthetic_coco"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        '--out', default='data/synthetic_coco', help='folder to write (%(default)s)'
    )
    parser.add_argument(
        '--train-people', type=int, default=640, metavar='N', help='(%(default)s)'
    )
    parser.add_argument(
        '--val-people', type=int, default=160, metavar='N', help='(%(default)s)'
    )
    parser.add_argument(
        '--seed', type=int, default=0, help='same seed, same files (%(default)s)'
    )
    parser.add_argument(
        '--overwrite',
        action='store_true',
        help='replace a dataset of this tool that has other settings',
    )


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    return make_parser('make-synthetic-coco').parse_args(argv)


class Progress:
    """One line, rewritten in a terminal; a line every tenth of the way in a log."""

    def __init__(self) -> None:
        self.live = sys.stdout.isatty()
        self.tenths = 0

    def __call__(self, done: int, total: int) -> None:
        if self.live:
            end = '\n' if done == total else ''
            print(f'\r  {done} of {total} people', end=end, flush=True)
        elif done * 10 // total > self.tenths:
            self.tenths = done * 10 // total
            print(f'  {done} of {total} people', flush=True)


def run(args: argparse.Namespace) -> int:
    """Write the dataset; 0."""
    from gm_pose.datasets.synthetic_people import make_coco_folder

    print(
        f'synthetic COCO: {args.train_people} + {args.val_people} people, seed '
        f'{args.seed}, in {args.out}',
        flush=True,
    )
    started = time.monotonic()
    try:
        written = make_coco_folder(
            args.out,
            args.train_people,
            args.val_people,
            args.seed,
            args.overwrite,
            Progress(),
        )
    except (ValueError, OSError) as error:
        sys.exit(f'error: {error}')
    if written:
        print(f'done in {time.monotonic() - started:.0f} s')
    else:
        print('already there, whole and with these settings: nothing to do')
    return 0


def main(argv: list[str] | None = None) -> None:
    run(parse_args(argv))


if __name__ == '__main__':
    main()
