"""Accuracy of the codec's decoding beside stock MMPose's, per sigma, in input px.

    python benchmarks/codec_accuracy.py [--people 60] [--seeds 5]
        [--out benchmarks/codec_accuracy.md]

Maps of 48x64 cells for a 192x256 input (1 cell = 4 px), 17 joints with one sigma, seeded.
Noise-free: targets as each codec draws them, joints anywhere 6 cells or more from a
border. Predicted: what a network gives instead of a target:

    amplitude 0.3-0.9 of 1; a second, weaker mode (0.1-0.5 of the first) 3-16 cells away;
    noise; and in turn Gaussians of the right sigma under white or smooth noise of 0.05,
    sigmas 1.3 times too large, 0.85 times too small, or 0.85-1.35 times under smooth
    noise of 0.03.

Stock is `MSRAHeatmap(sigma=s)` with the quarter offset, or `unbiased=True` (DARK), whose
blur kernel is 11 cells wide at every sigma. Errors above 20 px (the wrong mode was
higher) count as 20. Both sides decode the same maps; a ratio's standard error comes from
the ratios of the single seeds.
"""

import argparse
import os
from collections.abc import Iterator
from pathlib import Path

os.environ.setdefault('OMP_NUM_THREADS', '1')

import numpy as np
from mmpose.codecs import MSRAHeatmap

from gm_pose.codecs import JointAdaptiveMSRAHeatmap

INPUT_SIZE, HEATMAP_SIZE = (192, 256), (48, 64)
NUM_JOINTS = 17
SIGMAS = (0.8, 0.85, 1.0, 1.3, 1.5, 1.75, 2.0, 2.5, 3.0)
# name, factor of the sigma (None: 0.85-1.35 at random), noise, its smoothness in cells
CONDITIONS = (
    ('right sigma, white noise', 1.0, 0.05, 0.0),
    ('right sigma, smooth noise', 1.0, 0.05, 1.0),
    ('too wide', 1.3, 0.03, 1.0),
    ('too narrow', 0.85, 0.03, 1.0),
    ('any sigma', None, 0.03, 1.0),
)


def draw_gaussians(centers, sigmas, amplitudes):
    """Centres (N, 2), sigmas and amplitudes (N,) in cells -> maps (N, H, W)."""
    factors = [
        np.exp(
            -((np.arange(n) - centers[:, i, None]) ** 2) / (2 * sigmas[:, None] ** 2)
        )
        for i, n in enumerate(HEATMAP_SIZE)
    ]
    return amplitudes[:, None, None] * factors[1][:, :, None] * factors[0][:, None]


def smooth(noise, sigma):
    """White noise (N, H, W) -> noise as strong, smoothed by `sigma` cells."""
    if not sigma:
        return noise
    cells = np.arange(-4, 5)
    kernel = np.exp(-(cells**2) / (2 * sigma**2))
    for axis in (1, 2):
        noise = sum(
            weight * np.roll(noise, int(shift), axis)
            for shift, weight in zip(cells, kernel, strict=True)
        )
    return noise / noise.std()


def make_predictions(
    sigma: float, people: int, seed: int
) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """Sigma -> per condition its name, maps (B, K, H, W), joints (B, K, 2) in px."""
    rng = np.random.default_rng([int(sigma * 100), seed])
    count = people * NUM_JOINTS
    scale = np.array(INPUT_SIZE) / HEATMAP_SIZE
    for name, factor, noise, smoothness in CONDITIONS:
        centers = rng.uniform(10, np.array(HEATMAP_SIZE) - 11, (count, 2))
        amplitude = rng.uniform(0.3, 0.9, count)
        sigmas = sigma * (
            rng.uniform(0.85, 1.35, count) if factor is None else np.full(count, factor)
        )
        angle = rng.uniform(0, 2 * np.pi, count)
        step = rng.uniform(3, 16, count)[:, None] * np.stack(
            [np.cos(angle), np.sin(angle)], 1
        )
        maps = draw_gaussians(centers, sigmas, amplitude)
        second = amplitude * rng.uniform(0.1, 0.5, count)
        maps += draw_gaussians(centers + step, sigmas, second)
        maps += noise * smooth(rng.normal(size=maps.shape), smoothness)
        shape = (people, NUM_JOINTS)
        yield (
            name,
            maps.astype(np.float32).reshape(*shape, *maps.shape[1:]),
            (centers * scale).reshape(*shape, 2),
        )


def measure(codec, maps, joints) -> np.ndarray:
    """Maps (B, K, H, W), joints (B, K, 2) -> errors in px (B * K,), capped at 20."""
    decoded = np.concatenate([codec.decode(m)[0] for m in maps])
    return np.minimum(np.linalg.norm(decoded - joints, axis=-1).ravel(), 20)


def measure_noise_free(codec, people: int) -> float:
    """Codec -> largest there-and-back error in px, per axis."""
    rng = np.random.default_rng(0)
    worst = 0.0
    for _ in range(people):
        joints = rng.uniform(24, np.array(INPUT_SIZE) - 28, (1, NUM_JOINTS, 2))
        joints = joints.astype(np.float32)
        decoded, _ = codec.decode(codec.encode(joints)['heatmaps'])
        worst = max(worst, float(np.abs(decoded - joints).max()))
    return worst


def make_codecs(sigma: float, unbiased: bool) -> tuple[object, object]:
    """Sigma -> stock codec and ours, at the same settings."""
    sizes = dict(input_size=INPUT_SIZE, heatmap_size=HEATMAP_SIZE, unbiased=unbiased)
    return (
        MSRAHeatmap(**sizes, sigma=sigma),
        JointAdaptiveMSRAHeatmap(**sizes, sigmas=[sigma] * NUM_JOINTS),
    )


def compute_rms(errors: np.ndarray) -> float:
    return float(np.sqrt((errors**2).mean()))


def add_row(lines, sigma, name, stock, ours) -> float:
    """Errors of both sides (seeds, M) -> a row of the table; ratio of their rms."""
    cells = [f'{compute_rms(e):.2f} ({np.median(e):.2f})' for e in (stock, ours)]
    ratio = compute_rms(ours) / compute_rms(stock)
    single = [compute_rms(b) / compute_rms(a) for a, b in zip(stock, ours, strict=True)]
    error = ''
    if len(single) > 1:
        error = f' +- {np.std(single, ddof=1) / len(single) ** 0.5:.3f}'
    lines.append(f'| {sigma} | {name} | {cells[0]} | {cells[1]} | {ratio:.3f}{error} |')
    return ratio


def compare_predicted(lines, sigma: float, people: int, seeds: int) -> dict:
    """Sigma -> rows of the table; ratio ours / DARK by (sigma, condition)."""
    codecs = make_codecs(sigma, unbiased=True)
    errors: dict[str, list[list[np.ndarray]]] = {}
    for seed in range(seeds):
        for name, maps, joints in make_predictions(sigma, people, seed):
            sides = errors.setdefault(name, [[], []])
            for codec, side in zip(codecs, sides, strict=True):
                side.append(measure(codec, maps, joints))
    ratios = {
        (sigma, name): add_row(lines, sigma, name, *map(np.stack, sides))
        for name, sides in errors.items()
    }
    pooled = [np.hstack([np.stack(s[i]) for s in errors.values()]) for i in (0, 1)]
    ratios[sigma, 'all'] = add_row(lines, sigma, '**all**', *pooled)
    return ratios


def write_tables(people: int, seeds: int, sigmas=SIGMAS) -> tuple[str, dict]:
    """Measure everything -> Markdown, and ratios ours / DARK by (sigma, condition)."""
    lines = [
        '# Accuracy of the codec',
        '',
        'Written by `python benchmarks/codec_accuracy.py`; the conditions are described '
        'there. Input px (1 cell = 4 px).',
        '',
        '## There and back without noise: largest error per axis',
        '',
        '| sigma | quarter offset: MMPose | gm_pose | DARK | gm_pose unbiased |',
        '|---|---|---|---|---|',
    ]
    for sigma in sigmas:
        cells = [
            f'{measure_noise_free(codec, people):.4f}'
            for unbiased in (False, True)
            for codec in make_codecs(sigma, unbiased)
        ]
        lines.append(f'| {sigma} | ' + ' | '.join(cells) + ' |')
    lines += [
        '',
        '## Predicted maps: root mean square (median) of the error',
        '',
        f'{people * NUM_JOINTS} joints per cell and seed, {seeds} seeds; the ratio is of '
        'root mean squares, with its standard error.',
        '',
    ]
    rows: list[str] = []
    ratios = {}
    for sigma in sigmas:
        ratios |= compare_predicted(rows, sigma, people, seeds)
    lines += [
        *describe_losses(ratios),
        '',
        '| sigma | maps | DARK | gm_pose unbiased | gm_pose / DARK |',
        '|---|---|---|---|---|',
        *rows,
    ]
    return '\n'.join(lines) + '\n', ratios


def describe_losses(ratios: dict) -> list[str]:
    """Ratios -> a sentence on where DARK is ahead."""
    behind = [
        f'sigma {sigma}, {name.replace("all", "all together")} ({ratio - 1:.1%})'
        for (sigma, name), ratio in ratios.items()
        if ratio > 1
    ]
    return ['DARK is ahead at: ' + ('; '.join(behind) or 'none') + '.']


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('--people', type=int, default=60)
    parser.add_argument('--seeds', type=int, default=5)
    parser.add_argument('--out', type=Path, help='Markdown file to write')
    args = parser.parse_args()
    table, _ = write_tables(args.people, args.seeds)
    print(table, end='')
    if args.out:
        args.out.write_text(table)


if __name__ == '__main__':
    main()
