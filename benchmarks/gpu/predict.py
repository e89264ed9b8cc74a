"""Prediction on the device: MMPoseInferencer, gm_pose in memory, and the whole command."""

import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np

from benchmarks.gpu.network import CONFIG
from benchmarks.gpu.photographs import make_photographs
from benchmarks.gpu.rows import Bench
from benchmarks.predict_speed import (
    Pictures,
    make_estimator_arm,
    make_inferencer_arm,
    save_weights,
)
from gm_pose.inference.backends.torch_backend import TorchBackend
from gm_pose.inference.models.config_model import read_config_model

_ROOT = Path(__file__).parents[2]


def run(job: str, bench: Bench) -> None:
    cv2.setNumThreads(1)
    files, people = (2, 4) if bench.rehearse else (200, 800)
    folder = bench.scratch / 'predict'
    annotations, _ = make_photographs(folder, files, people, processes=4)
    pictures = Pictures(folder / 'train2017', annotations)
    weights = folder / 'weights.pth'
    save_weights(CONFIG, weights)
    device = f'{bench.device}:0' if bench.device == 'cuda' else 'cpu'
    opened = read_config_model(str(CONFIG), str(weights))
    for flip_test in (False, True):
        suffix = ', flip test' if flip_test else ''
        arms = {
            'MMPoseInferencer': make_inferencer_arm(
                CONFIG, weights, pictures, flip_test, device
            )
        }
        for batch in (32, 256):
            backend = TorchBackend(opened, device, flip_test, batch)
            arms[f'gm_pose, batches of {batch}'] = make_estimator_arm(
                backend, pictures, batch
            )
        seconds: dict[str, list[float]] = {name: [] for name in arms}
        for turn in range(2 if bench.rehearse else 4):  # the first does not count
            for name, arm in arms.items():
                begin = time.perf_counter()
                arm()
                if turn:
                    seconds[name].append(time.perf_counter() - begin)
        base = np.array(seconds['MMPoseInferencer'])
        for name, taken in seconds.items():
            bench.write(
                f'{name}{suffix}',
                pictures=files,
                people=people,
                people_per_s=people / float(np.median(taken)),
                times_mmpose=float(np.median(base / np.array(taken))),
            )
    _measure_command(bench, folder, annotations, weights, files, people, device)


def _measure_command(
    bench: Bench,
    folder: Path,
    annotations: Path,
    weights: Path,
    files: int,
    people: int,
    device: str,
) -> None:
    """`gm_pose predict` from its start to its end: imports, decoding, files written."""
    command = [sys.executable, '-m', 'gm_pose', 'predict', str(CONFIG)]
    command += [str(folder / 'train2017'), '--weights', str(weights)]
    command += ['--boxes', str(annotations), '--out', str(folder / 'out')]
    command += ['--device', device, '--batch-size', '256', '--overwrite']
    begin = time.perf_counter()
    subprocess.run(command, check=True, cwd=_ROOT)
    seconds = time.perf_counter() - begin
    bench.write(
        'gm_pose predict, the whole command',
        pictures=files,
        people=people,
        seconds=seconds,
        people_per_s=people / seconds,
    )
