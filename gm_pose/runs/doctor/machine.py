"""The machine: GPU, threads, disk, shared memory."""

from __future__ import annotations

import os
import resource
import shutil
from glob import glob
from pathlib import Path

from gm_pose.runs.doctor.diagnosis import FAULT, OK, WARNING, Diagnosis

MIN_DISK = 2_000_000_000
"""Bytes. A ResNet-50 checkpoint with Adam's state has 0.4e9; two must fit, and logs."""

MIN_SHARED = 200_000_000
"""Bytes. A batch of 64 crops (192x256) and heatmaps takes 23e6; two workers prefetch two
batches each, and MMPose's recipes keep as many again while they are copied."""

MIN_FILES = 1024


def count_cpus(quota_file: str = '/sys/fs/cgroup/cpu.max') -> float:
    """CPUs that this process may use: affinity, and a container's quota."""
    cpus = float(len(os.sched_getaffinity(0)))
    try:
        quota, period = Path(quota_file).read_text().split()
        return min(cpus, int(quota) / int(period))
    except (OSError, ValueError):  # no cgroup v2, or 'max'
        return cpus


def check_gpu(device_files: str = '/dev/nvidia[0-9]*') -> Diagnosis:
    """torch sees the GPU that the machine has."""
    import torch

    if torch.cuda.is_available():
        names = [
            torch.cuda.get_device_name(index)
            for index in range(torch.cuda.device_count())
        ]
        return Diagnosis(OK, ', '.join(names))
    if glob(device_files):
        if os.environ.get('CUDA_VISIBLE_DEVICES', None) in ('', '-1'):
            return Diagnosis(
                WARNING,
                'hidden by CUDA_VISIBLE_DEVICES: training runs on the CPU',
                'unset CUDA_VISIBLE_DEVICES',
            )
        built = torch.version.cuda
        return Diagnosis(
            FAULT,
            f'the machine has one, and torch {torch.__version__} (built for CUDA '
            f'{built}) does not see it: driver too old, or a build without CUDA',
            'nvidia-smi (shows the CUDA version that the driver supports)',
        )
    return Diagnosis(OK, 'none: training runs on the CPU, for small runs only')


def check_opencv_threads(cpus: float | None = None) -> Diagnosis:
    """Each data loader's worker would start OpenCV's threads again."""
    import cv2

    cpus = count_cpus() if cpus is None else cpus
    threads = cv2.getNumThreads()
    if threads > max(cpus, 1):
        return Diagnosis(
            WARNING,
            f'{threads} threads on {cpus:g} CPUs, in every worker',
            "env_cfg = dict(mp_cfg=dict(opencv_num_threads=0)) in the config (MMPose's "
            'default_runtime has it)',
        )
    return Diagnosis(OK, f'{threads} on {cpus:g} CPUs')


def check_blas_threads(cpus: float | None = None) -> Diagnosis:
    """Several processes with a BLAS thread for each CPU slow each other down 100 times."""
    import torch

    cpus = count_cpus() if cpus is None else cpus
    stated, threads = os.environ.get('OMP_NUM_THREADS'), torch.get_num_threads()
    if threads > max(cpus, 1):
        return Diagnosis(
            WARNING,
            f'{threads} threads on {cpus:g} CPUs',
            'export OMP_NUM_THREADS=1',
        )
    if stated is None and threads > 1:
        return Diagnosis(
            WARNING,
            f'{threads} threads in every process; with --launcher they compete',
            'export OMP_NUM_THREADS=1',
        )
    return Diagnosis(OK, f'{threads} (OMP_NUM_THREADS={stated})')


def check_disk(folder: str = '.', needed: int = MIN_DISK) -> Diagnosis:
    """Room for two checkpoints."""
    free = shutil.disk_usage(folder).free
    text = f'{free / 1e9:.1f} GB free in {os.path.abspath(folder)}'
    if free < needed:
        return Diagnosis(
            FAULT,
            f'{text}, and {needed / 1e9:g} are needed for two checkpoints',
            'train with --work-dir on another disk',
        )
    return Diagnosis(OK, text)


def check_shared_memory(
    folder: str = '/dev/shm', needed: int = MIN_SHARED
) -> Diagnosis:
    """Workers pass batches through shared memory; Docker gives 64 MB."""
    if not os.path.isdir(folder):
        return Diagnosis(
            WARNING,
            f'{folder} does not exist: workers cannot pass batches',
            'train_dataloader.num_workers=0 with persistent_workers=False',
        )
    free = shutil.disk_usage(folder).free
    text = f'{free / 1e6:.0f} MB free in {folder}'
    if free < needed:
        return Diagnosis(
            FAULT,
            f'{text}, and {needed / 1e6:g} are needed for two workers at batch 64',
            'docker run --shm-size=8g ... (or train_dataloader.num_workers=0)',
        )
    return Diagnosis(OK, text)


def check_open_files(needed: int = MIN_FILES) -> Diagnosis:
    """Tensors from workers are open files each."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < needed:
        return Diagnosis(
            WARNING, f'at most {hard}, and {needed} are needed', f'ulimit -Hn {needed}'
        )
    return Diagnosis(OK, f'{soft} (up to {hard}; MMEngine raises it to 4096)')
