"""Every check of the environment, one after another."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from gm_pose.runs.doctor import binaries, machine, packages, training
from gm_pose.runs.doctor.diagnosis import FAULT, Diagnosis

__all__ = ['diagnose', 'get_checks']


def get_checks() -> dict[str, Callable[[], Diagnosis]]:
    """Name of each check -> the check, in the order in which faults build on each other."""
    return {
        'Python': packages.check_python,
        'host packages': packages.check_host_packages,
        'dependencies': packages.check_dependencies,
        'numpy and compiled packages': binaries.check_numpy_binaries,
        'mmcv': binaries.check_mmcv,
        'mmdet': packages.check_mmdet,
        'xtcocotools': binaries.check_xtcocotools,
        'setuptools': packages.check_setuptools,
        'OpenCV': binaries.check_opencv_packages,
        'mmpose models': training.check_models,
        'mim': training.check_mim,
        'checkpoints': training.check_checkpoints,
        'processes': training.check_processes,
        'GPU': machine.check_gpu,
        'OpenCV threads': machine.check_opencv_threads,
        'BLAS threads': machine.check_blas_threads,
        'disk': machine.check_disk,
        'shared memory': machine.check_shared_memory,
        'open files': machine.check_open_files,
    }


def diagnose() -> Iterator[tuple[str, Diagnosis]]:
    """Run every check -> (name, diagnosis); one that cannot run is a fault itself."""
    for name, check in get_checks().items():
        try:
            yield name, check()
        except Exception as error:  # the environment is what is broken
            text = f'could not be checked: {type(error).__name__}: {str(error)[:200]}'
            yield (
                name,
                Diagnosis(FAULT, text, 'pip install -r requirements/stack.txt'),
            )
