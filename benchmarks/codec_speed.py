"""Speed of the codec against MMPose's own, single thread, as ratios of medians.

    python benchmarks/codec_speed.py [--rounds 200] [--out benchmarks/codec_speed.md]

Both sides run in turns in one process, so that a busy machine slows both alike, and CPU
time is taken, so that a call does not pay for its interruptions, of which the longer one
has more. The ratio, not the time, is the result.

Decoding 64 people takes less time than a CPU needs to fetch their maps from memory, so
the state of the caches decides. Three are measured; both sides start from the same one:

    written: the batch is copied anew before every timed call, outside of it. This is how
        MMPose hands maps over: under flip test, its default, the heads' last step is a
        product that reads one batch and writes another.
    warm: call after call on the same batch, as the encodings are measured. The main table
        has this state.
    cold: one call of each side in turns, on the same batch: the caches hold what the
        other side left, code included. MMPose's loop over people warms up within a call,
        ours has one pass: this is its cost in a program that does something else between
        two batches.

Written and warm are measured in blocks of ten calls of one side, then ten of the other, of
which the second half counts.

The physical bound is the time to write the output once (encoding: filling an array of its
size) or to read the input once (decoding: the sum of all maps, by torch). Beside it stands
numpy's argmax over the maps, with which decoding must begin.
"""

import argparse
import itertools
import os
import platform
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault('OMP_NUM_THREADS', '1')

import numpy as np
import torch
from mmpose.codecs import MSRAHeatmap
from mmpose.utils.tensor_utils import to_numpy

from gm_pose.codecs import JointAdaptiveMSRAHeatmap

SIZES = dict(input_size=(192, 256), heatmap_size=(48, 64))
BATCH = 64


def measure_medians(
    functions: dict[str, Callable[[], object]],
    rounds: int,
    calls: int,
    prepare: Callable[[], object] | None = None,
) -> dict[str, float]:
    """Median CPU time in us of each function; in each round `calls` of each, one by one.

    The first half of the calls warms up and does not count. `prepare` runs before every
    call, untimed.
    """
    times: dict[str, list[float]] = {name: [] for name in functions}
    for _ in range(rounds):
        for name, function in functions.items():
            for call in range(calls):
                if prepare is not None:
                    prepare()
                start = time.thread_time()
                function()
                elapsed = time.thread_time() - start
                if call >= calls // 2:
                    times[name].append(elapsed)
    return {name: float(np.median(t)) * 1e6 for name, t in times.items()}


def make_people(count: int, num_joints: int) -> list[np.ndarray]:
    """Joints (1, K, 2) spread evenly over the input, borders included."""
    rng = np.random.default_rng(0)
    size = np.array(SIZES['input_size'])
    return [
        (rng.random((1, num_joints, 2)) * size).astype(np.float32) for _ in range(count)
    ]


def compare_encoding(
    sigmas: object, num_joints: int, unbiased: bool, rounds: int
) -> dict[str, float]:
    """Encoding of one person -> us of 'stock', 'ours', and 'bound'."""
    people = make_people(64, num_joints)
    visible = np.ones((1, num_joints), np.float32)
    stock = MSRAHeatmap(**SIZES, sigma=2.0, unbiased=unbiased)
    ours = JointAdaptiveMSRAHeatmap(**SIZES, sigmas=sigmas, unbiased=unbiased)
    width, height = SIZES['heatmap_size']
    out = np.empty((num_joints, height, width), np.float32)
    turn = itertools.cycle(people)
    return measure_medians(
        {
            'stock': lambda: stock.encode(next(turn), visible),
            'ours': lambda: ours.encode(next(turn), visible),
            'bound': lambda: out.fill(0),
        },
        rounds,
        calls=10,
    )


def compare_decoding(
    settings: dict[str, Any], num_joints: int, rounds: int, state: str = 'written'
) -> dict[str, float]:
    """Decoding of 64 people as MMPose's heads do it -> us of 'stock', 'ours', 'bound'
    and 'argmax', from one state of the caches."""
    ours = JointAdaptiveMSRAHeatmap(**SIZES, **settings)
    stock = MSRAHeatmap(**SIZES, sigma=2.0, unbiased=ours.unbiased)
    rng = np.random.default_rng(1)
    source = np.stack(
        [ours.encode(kpts)['heatmaps'] for kpts in make_people(BATCH, num_joints)]
    )
    source += rng.normal(0, 0.02, source.shape).astype(np.float32)
    maps = source.copy()
    batch = torch.from_numpy(maps)
    flat = maps.reshape(BATCH * num_joints, -1)

    def decode_stock() -> object:
        return [stock.decode(m) for m in to_numpy(batch, unzip=True)]

    functions: dict[str, Callable[[], object]] = {
        'stock': decode_stock,
        'ours': lambda: ours.batch_decode(batch),
        'stock before bound': decode_stock,
        'bound': batch.sum,
        'stock before argmax': decode_stock,
        'argmax': lambda: flat.argmax(1),
    }
    if state == 'cold':
        return measure_medians(functions, rounds, calls=1)
    functions = {name: f for name, f in functions.items() if 'before' not in name}
    prepare = (lambda: np.copyto(maps, source)) if state == 'written' else None
    return measure_medians(functions, rounds, calls=10, prepare=prepare)


ENCODINGS = [
    # what, sigmas, K, unbiased, target ratio
    ('encode, biased, sigma 2', 2.0, 17, False, 10),
    ('encode, biased, set2', 'set2', 17, False, 10),
    ('encode, unbiased, sigma 2', 2.0, 17, True, 6),
    ('encode, unbiased, set2', 'set2', 17, True, 6),
    ('encode, biased, sigma 2', 2.0, 133, False, 6),
    ('encode, unbiased, sigma 2', 2.0, 133, True, 6),
]
OKS_SIGMAS = dict(oks='coco', mean=3.4)
DECODINGS: list[tuple[str, dict[str, Any], int, int | None]] = [
    # what, the codec's settings, K, target ratio
    ('decode 64, biased, sigma 2', dict(sigmas=2.0), 17, 20),
    (
        'decode 64, unbiased, sigma 2 (stock: DARK)',
        dict(sigmas=2.0, unbiased=True),
        17,
        60,
    ),
    (
        'decode 64, unbiased, set2 (stock: DARK)',
        dict(sigmas='set2', unbiased=True),
        17,
        60,
    ),
    (
        'decode 64, unbiased, set2 read at OKS sigmas (stock: DARK)',
        dict(sigmas='set2', unbiased=True, decode_sigmas=OKS_SIGMAS),
        17,
        None,
    ),
]
STATES = ('written', 'warm', 'cold')

INTRODUCTION = """# Speed of the codec

Written by `python benchmarks/codec_speed.py`, which says how it is measured. One thread,
maps of 48x64 cells, both sides in turns in one process, medians of the CPU times of
{encodings} encodings and {decodings} decodings (cold: {cold}), call after call; decoding
from colder caches, as in a real evaluation, stands in the second table. Bound: filling the
output once (encode), reading the input once (decode).

{machine}, Python {python}, numpy {numpy}, torch {torch}

| case | K | MMPose us | gm_pose us | ratio | target | bound us |
|---|---|---|---|---|---|---|
"""

STATES_INTRODUCTION = """
## Decoding, by the state of the caches

Written: the maps were written just before, by an untimed copy. Warm: call after call on
the same batch, as above. Cold: each call right after one of the other side. Argmax:
numpy's, over the same maps in the same state, with which every decoder of numpy arrays
must begin; behind it, in brackets, the ratio that a decoder of nothing else would have.

| case | caches | MMPose us | gm_pose us | ratio | target | bound us | argmax us |
|---|---|---|---|---|---|---|---|
"""


def write_table(rounds: int) -> str:
    """Run all cases -> Markdown."""
    few = max(5, rounds // 10)
    text = INTRODUCTION.format(
        encodings=5 * rounds,
        decodings=5 * few,
        cold=few,
        machine=platform.machine(),
        python=platform.python_version(),
        numpy=np.__version__,
        torch=torch.__version__.split('+')[0],
    )
    states = STATES_INTRODUCTION
    for name, sigmas, joints, unbiased, target in ENCODINGS:
        us = compare_encoding(sigmas, joints, unbiased, rounds)
        text += format_row(name, joints, us, target)
    for name, settings, joints, target in DECODINGS:
        for state in STATES:
            us = compare_decoding(settings, joints, few, state)
            if state == 'warm':
                text += format_row(name, joints, us, target)
            row = (
                f'| {name} | {state} | {us["stock"]:.0f} | {us["ours"]:.0f} '
                f'| **{us["stock"] / us["ours"]:.1f}** | {target or "-"} '
                f'| {us["bound"]:.0f} | {us["argmax"]:.0f} '
                f'({us["stock"] / us["argmax"]:.1f}) |'
            )
            print(row, flush=True)
            states += row + '\n'
    return text + states


def format_row(name: str, joints: int, us: dict[str, float], target: int | None) -> str:
    """A case's times -> its row of the main table, printed too."""
    row = (
        f'| {name} | {joints} | {us["stock"]:.0f} | {us["ours"]:.1f} '
        f'| **{us["stock"] / us["ours"]:.1f}** | {target or "-"} | {us["bound"]:.1f} |'
    )
    print(row, flush=True)
    return row + '\n'


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('--rounds', type=int, default=200)
    parser.add_argument('--out', type=Path, help='Markdown file to write')
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    torch.set_num_threads(1)
    table = write_table(args.rounds)
    if args.out:
        args.out.write_text(table)


if __name__ == '__main__':
    main()
