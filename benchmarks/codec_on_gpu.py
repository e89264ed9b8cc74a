"""Decoding on a GPU against one CPU core, and their largest difference.

    python benchmarks/codec_on_gpu.py

Needs numpy and torch alone. Each row is printed as it is measured: the median of 40 calls
after 10 that warm up, results on the host. Maps are random, (B, 17, 64, 48).
"""

import os

os.environ.setdefault('OMP_NUM_THREADS', '1')

import sys
import time
from pathlib import Path

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from gm_pose.ops import decode_heatmaps

CASES = {
    'biased': None,
    'unbiased, sigma 2': [2.0],
    'unbiased, 1 to 2': [1.0] * 3 + [2.0] * 14,
}


def measure_median(maps: torch.Tensor, sigmas: np.ndarray | None, calls: int) -> float:
    """Milliseconds of a call; the results' copy to the host waits for the device."""
    seconds = []
    for _ in range(calls):
        begin = time.perf_counter()
        decode_heatmaps(maps, sigmas)
        seconds.append(time.perf_counter() - begin)
    return 1e3 * float(np.median(seconds[calls // 5 :]))


def main() -> None:
    torch.set_num_threads(1)
    device = 'cuda' if torch.cuda.is_available() else 'cpu'
    name = (
        torch.cuda.get_device_name()
        if device == 'cuda'
        else 'no GPU: CPU against itself'
    )
    print(f'{name}, torch {torch.__version__}, numpy {np.__version__}', flush=True)
    print(
        '| case | B | dtype | CPU ms | device ms | ratio | largest difference, cells |'
    )
    print('|---|---|---|---|---|---|---|', flush=True)
    generator = torch.Generator().manual_seed(0)
    for case, table in CASES.items():
        sigmas = None if table is None else np.array(table)
        for batch in (64, 256):
            for dtype in (torch.float32, torch.bfloat16):
                maps = torch.rand(batch, 17, 64, 48, generator=generator).to(dtype)
                there = maps.to(device)
                expected, found = (decode_heatmaps(m, sigmas)[0] for m in (maps, there))
                cpu, gpu = (measure_median(m, sigmas, 50) for m in (maps, there))
                print(
                    f'| {case} | {batch} | {str(dtype)[6:]} | {cpu:.2f} | {gpu:.2f} | '
                    f'{cpu / gpu:.1f} | {abs(expected - found).max():.1e} |',
                    flush=True,
                )


if __name__ == '__main__':
    main()
