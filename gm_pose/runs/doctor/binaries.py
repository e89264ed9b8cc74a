"""Compiled packages: built for this numpy and torch, and not overwriting each other."""

from __future__ import annotations

import importlib
import importlib.util
from importlib import metadata

from gm_pose.runs.doctor.diagnosis import FAULT, OK, WARNING, Diagnosis
from gm_pose.runs.doctor.packages import STACK, find_version


def check_numpy_binaries() -> Diagnosis:
    """A package built against numpy 1 dies under numpy 2, and the other way round."""
    import numpy

    broken = []
    for name in ('pycocotools.mask', 'scipy.stats', 'cv2', 'torch', 'torchvision'):
        try:
            importlib.import_module(name)
        except Exception as error:  # an ABI error may be of any type
            broken.append(f'{name} ({str(error).splitlines()[0][:120]})')
    if broken:
        text = f'with numpy {numpy.__version__} these cannot be imported: '
        return Diagnosis(FAULT, text + ', '.join(broken), STACK)
    return Diagnosis(OK, f'numpy {numpy.__version__} fits the binaries')


def check_mmcv() -> Diagnosis:
    """Compiled operators that load, or mmcv-lite; not both, not broken ones."""
    both = [name for name in ('mmcv', 'mmcv-lite') if find_version(name)]
    if len(both) == 2:
        return Diagnosis(
            FAULT,
            'mmcv and mmcv-lite are both installed and share one folder',
            'pip uninstall -y mmcv mmcv-lite && pip install mmcv-lite==2.1.0',
        )
    if not both:
        return Diagnosis(
            FAULT, 'neither mmcv nor mmcv-lite', 'pip install mmcv-lite==2.1.0'
        )
    name, version = find_version(both[0]) or (both[0], '?')
    if importlib.util.find_spec('mmcv._ext') is None:
        return Diagnosis(OK, f'{name} {version}, no compiled operators, none needed')
    try:
        importlib.import_module('mmcv._ext')
    except Exception as error:  # built for another torch: any error of the loader
        return Diagnosis(
            FAULT,
            f'{name} {version} has compiled operators that do not load ('
            f'{str(error).splitlines()[0][:120]})',
            'pip uninstall -y mmcv && pip install mmcv-lite==2.1.0',
        )
    return Diagnosis(OK, f'{name} {version} with compiled operators')


def check_xtcocotools() -> Diagnosis:
    """Its binary needs numpy 1; where it is missing, gm_pose stands in for it."""
    import numpy

    installed = find_version('xtcocotools')
    spec = importlib.util.find_spec('xtcocotools')
    if spec is None or spec.origin is None:
        if importlib.util.find_spec('pycocotools') is None:
            return Diagnosis(
                FAULT,
                'neither xtcocotools nor pycocotools is installed',
                'pip install pycocotools',
            )
        return Diagnosis(OK, 'not installed: gm_pose stands in for it on pycocotools')
    try:
        importlib.import_module('xtcocotools.mask')
    except Exception as error:  # numpy's ABI error is a ValueError or an ImportError
        return Diagnosis(
            FAULT,
            f'its binary does not load with numpy {numpy.__version__} ('
            f'{str(error).splitlines()[0][:120]})',
            'pip uninstall -y xtcocotools',
        )
    version = installed[1] if installed else 'without metadata'
    return Diagnosis(OK, f'{version} with numpy {numpy.__version__}')


def check_opencv_packages() -> Diagnosis:
    """Several OpenCV distributions write the same folder `cv2`."""
    names = (
        'opencv-python',
        'opencv-python-headless',
        'opencv-contrib-python',
        'opencv-contrib-python-headless',
    )
    real = [name for name in names if _has_files(name)]
    if len(real) > 1:
        return Diagnosis(
            WARNING,
            f'{" and ".join(real)} overwrite each other in the folder cv2',
            f'pip uninstall -y {" ".join(real)} && pip install opencv-python-headless',
        )
    if importlib.util.find_spec('cv2') is None:
        return Diagnosis(FAULT, 'missing', 'pip install opencv-python-headless')
    return Diagnosis(OK, ', '.join(real) or 'cv2')


def _has_files(name: str) -> bool:
    """Whether a distribution is installed and brings `cv2` (a placeholder does not)."""
    try:
        files = metadata.files(name) or []
    except metadata.PackageNotFoundError:
        return False
    return any(str(file).startswith('cv2/') for file in files)
