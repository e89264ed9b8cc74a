"""The machine that the rows were measured on."""

import os
import platform
from importlib import metadata

import torch

from benchmarks.gpu.rows import Bench

_PACKAGES = ('torch', 'triton', 'numpy', 'opencv-python-headless', 'mmengine', 'mmpose')


def run(job: str, bench: Bench) -> None:
    versions = [f'Python {platform.python_version()}']
    for name in _PACKAGES:
        try:
            versions.append(f'{name} {metadata.version(name)}')
        except metadata.PackageNotFoundError:
            versions.append(f'no {name}')
    bench.write(
        job,
        device=torch.cuda.get_device_name() if bench.device == 'cuda' else 'no GPU',
        cores=len(os.sched_getaffinity(0)),
        versions=', '.join(versions),
    )
