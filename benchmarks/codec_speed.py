"""Speed of the codec against MMPose's own, single thread, as ratios of medians.

    python benchmarks/codec_speed.py [--rounds 200] [--out benchmarks/codec_speed.md]

Both sides run alternately in one process, so that a busy machine slows both alike; the
ratio, not the time, is the result. The physical bound is the time to write the output
once (encoding: filling an array of its size) or to read the input once (decoding: the
largest value of every map, by numpy).
"""

import argparse
import itertools
import os
import platform
import time
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault('OMP_NUM_THREADS', '1')

import numpy as np
import torch
from mmpose.codecs import MSRAHeatmap
from mmpose.utils.tensor_utils import to_numpy

from gm_pose.codecs import JointAdaptiveMSRAHeatmap

SIZES = dict(input_size=(192, 256), heatmap_size=(48, 64))
BATCH = 64


def measure_medians(
    functions: dict[str, Callable[[], object]], rounds: int, calls: int = 1
) -> dict[str, float]:
    """Median time in us of each function; in each round `calls` of each, one by one."""
    times: dict[str, list[float]] = {name: [] for name in functions}
    for round_index in range(rounds + 3):
        for name, function in functions.items():
            for _ in range(calls):
                start = time.perf_counter()
                function()
                elapsed = time.perf_counter() - start
                if round_index >= 3:
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
) -> tuple[float, float, float]:
    """Encoding of one person -> us of MMPose, ours, and of filling the output once."""
    people = make_people(64, num_joints)
    visible = np.ones((1, num_joints), np.float32)
    stock = MSRAHeatmap(**SIZES, sigma=2.0, unbiased=unbiased)
    ours = JointAdaptiveMSRAHeatmap(**SIZES, sigmas=sigmas, unbiased=unbiased)
    width, height = SIZES['heatmap_size']
    out = np.empty((num_joints, height, width), np.float32)
    turn = itertools.cycle(people)
    times = measure_medians(
        {
            'stock': lambda: stock.encode(next(turn), visible),
            'ours': lambda: ours.encode(next(turn), visible),
            'bound': lambda: out.fill(0),
        },
        rounds,
        calls=10,
    )
    return times['stock'], times['ours'], times['bound']


def compare_decoding(
    sigmas: object, num_joints: int, unbiased: bool, rounds: int
) -> tuple[float, float, float]:
    """Decoding of 64 people as MMPose's heads do it -> us of MMPose, ours, argmax."""
    ours = JointAdaptiveMSRAHeatmap(**SIZES, sigmas=sigmas, unbiased=unbiased)
    stock = MSRAHeatmap(**SIZES, sigma=2.0, unbiased=unbiased)
    rng = np.random.default_rng(1)
    maps = np.stack(
        [ours.encode(kpts)['heatmaps'] for kpts in make_people(BATCH, num_joints)]
    )
    maps += rng.normal(0, 0.02, maps.shape).astype(np.float32)
    batch = torch.from_numpy(maps)
    flat = maps.reshape(BATCH * num_joints, -1)
    times = measure_medians(
        {
            'stock': lambda: [stock.decode(m) for m in to_numpy(batch, unzip=True)],
            'ours': lambda: ours.batch_decode(batch),
            'bound': lambda: flat.argmax(1),
        },
        max(5, rounds // 10),
        calls=3,
    )
    return times['stock'], times['ours'], times['bound']


CASES = [
    # what, comparison, sigmas, K, unbiased, target ratio
    ('encode, biased, sigma 2', compare_encoding, 2.0, 17, False, 10),
    ('encode, biased, set2', compare_encoding, 'set2', 17, False, 10),
    ('encode, unbiased, sigma 2', compare_encoding, 2.0, 17, True, 6),
    ('encode, unbiased, set2', compare_encoding, 'set2', 17, True, 6),
    ('encode, biased, sigma 2', compare_encoding, 2.0, 133, False, 6),
    ('encode, unbiased, sigma 2', compare_encoding, 2.0, 133, True, 6),
    ('decode 64, biased, sigma 2', compare_decoding, 2.0, 17, False, 20),
    ('decode 64, unbiased, sigma 2 (stock: DARK)', compare_decoding, 2.0, 17, True, 60),
    ('decode 64, unbiased, set2 (stock: DARK)', compare_decoding, 'set2', 17, True, 60),
]


def write_table(rounds: int) -> str:
    """Run all cases -> Markdown."""
    lines = [
        '# Speed of the codec',
        '',
        'Written by `python benchmarks/codec_speed.py`. One thread, maps of 48x64 cells, '
        f'median of {rounds} rounds (decoding: {max(5, rounds // 10)}), both sides in '
        'turns in one process (encoding: ten calls of one, ten of the other; decoding: '
        'three). Bound: filling the output once (encode), '
        "numpy's argmax over the input (decode).",
        '',
        f'{platform.machine()}, Python {platform.python_version()}, numpy '
        f'{np.__version__}, torch {torch.__version__.split("+")[0]}',
        '',
        '| case | K | MMPose us | gm_pose us | ratio | target | bound us |',
        '|---|---|---|---|---|---|---|',
    ]
    for name, compare, sigmas, joints, unbiased, target in CASES:
        stock, ours, bound = compare(sigmas, joints, unbiased, rounds)
        lines.append(
            f'| {name} | {joints} | {stock:.0f} | {ours:.1f} | **{stock / ours:.1f}** '
            f'| {target} | {bound:.1f} |'
        )
        print(lines[-1], flush=True)
    return '\n'.join(lines) + '\n'


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
