"""What logging costs an iteration, late in a run: MMEngine's histories and gm_pose's.

    python benchmarks/log_history.py --out benchmarks/log_history.md

MMPose's COCO recipe has 491,610 iterations on one GPU (149,813 people, batch 64, 210
epochs), and every iteration adds to five histories. CPU time of one thread; both kinds in
turns, the median of the rounds.
"""

import argparse
import platform
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from mmengine.logging import HistoryBuffer

import gm_pose  # noqa: F401, it lets HistoryBuffer grow in place

NUM_HISTORIES = 5
LENGTHS = (1_000, 10_000, 60_000, 245_805, 491_610)
KINDS = {
    'MMEngine': HistoryBuffer.update.__wrapped__,
    'gm_pose': HistoryBuffer.update,
}


def measure(update: Callable[..., None], length: int, calls: int) -> float:
    """ms that an iteration takes when `length` iterations lie behind."""
    buffers = [
        HistoryBuffer(np.ones(length), np.ones(length, int))
        for _ in range(NUM_HISTORIES)
    ]
    for buffer in buffers:
        update(buffer, 1.0)
    start = time.thread_time()
    for _ in range(calls):
        for buffer in buffers:
            update(buffer, 1.0)
    return 1e3 * (time.thread_time() - start) / calls


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--rounds', type=int, default=9)
    parser.add_argument('--calls', type=int, default=50)
    parser.add_argument('--out', type=Path, help='Markdown file to write')
    args = parser.parse_args()
    lines = [
        '# What logging costs late in a run',
        '',
        f'`python benchmarks/log_history.py`: five values added to their histories, ms of '
        f'CPU time an iteration. {platform.machine()}, Python '
        f'{platform.python_version()}, numpy {np.__version__}.',
        '',
        '| iterations so far | '
        + ' | '.join(f'{kind}, ms' for kind in KINDS)
        + ' | MMEngine / gm_pose |',
        '|---:|---:|---:|---:|',
    ]
    for length in LENGTHS:
        found: dict[str, list[float]] = {name: [] for name in KINDS}
        for _ in range(args.rounds):
            for name, update in KINDS.items():
                found[name].append(measure(update, length, args.calls))
        stock, own = (statistics.median(times) for times in found.values())
        lines.append(f'| {length:,} | {stock:.3f} | {own:.3f} | {stock / own:.1f} |')
    text = '\n'.join(lines) + '\n'
    print(text)
    if args.out is not None:
        args.out.write_text(text)


if __name__ == '__main__':
    main()
