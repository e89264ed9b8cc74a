"""Installed packages: which are there, and which versions."""

from __future__ import annotations

import importlib.util
import sys
from importlib import metadata

from gm_pose.runs.doctor.diagnosis import FAULT, OK, WARNING, Diagnosis

STACK = 'pip install -r requirements/stack.txt'
OURS = ('mmengine', 'mmpose', 'mmdet', 'openmim', 'openxlab', 'gm_pose')
"""Distributions whose requirements are compared with what is installed."""


def find_version(*names: str) -> tuple[str, str] | None:
    """First installed distribution of `names` -> (name, version), or None."""
    for name in names:
        try:
            return name, metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return None


def check_python(version: tuple[int, int] = sys.version_info[:2]) -> Diagnosis:
    """3.10 to 3.13 have wheels of every pinned package."""
    text = '.'.join(map(str, version))
    if (3, 10) <= version <= (3, 13):
        return Diagnosis(OK, text)
    return Diagnosis(
        FAULT, f'{text}, and 3.10 to 3.13 are supported', 'make setup PYTHON=python3.11'
    )


def check_host_packages() -> Diagnosis:
    """The ranges that ``import gm_pose`` checks, all of them at once."""
    try:
        from packaging.specifiers import SpecifierSet
    except ImportError:
        return Diagnosis(FAULT, 'packaging is missing', 'pip install packaging')
    from gm_pose.runs.host.versions import SUPPORTED

    found, wrong, remedies = [], [], []
    for names, (supported, reason) in SUPPORTED.items():
        installed = find_version(*names)
        if installed is None:
            wrong.append(f'{" or ".join(names)} is missing')
            remedies.append(f'"{names[-1]}{supported}"')
            continue
        name, version = installed
        found.append(f'{name} {version}')
        if not SpecifierSet(supported).contains(version, prereleases=True):
            wrong.append(f'{name} {version} is not {supported} ({reason})')
            remedies.append(f'"{name}{supported}"')
    if wrong:
        return Diagnosis(FAULT, '; '.join(wrong), f'pip install {" ".join(remedies)}')
    return Diagnosis(OK, ', '.join(found))


def check_dependencies() -> Diagnosis:
    """What `pip check` says of the mm* packages: chumpy, openxlab's old setuptools, ..."""
    from packaging.requirements import Requirement

    wrong = []
    for owner in OURS:
        try:
            requirements = metadata.requires(owner) or []
        except metadata.PackageNotFoundError:
            continue
        for text in requirements:
            requirement = Requirement(text)
            if requirement.marker and not requirement.marker.evaluate({'extra': ''}):
                continue
            installed = find_version(requirement.name)
            if installed is None:
                wrong.append(f'{owner} needs {requirement.name}, which is missing')
            elif not requirement.specifier.contains(installed[1], prereleases=True):
                wrong.append(
                    f'{owner} needs {requirement}, and {installed[1]} is there'
                )
    if wrong:
        return Diagnosis(WARNING, '; '.join(wrong), STACK)
    return Diagnosis(OK, 'what the mm* packages ask for is installed')


def check_mmdet() -> Diagnosis:
    """MMPose's heads import it; 3.3 is the last one, and refuses mmcv 2.2."""
    installed = find_version('mmdet')
    if installed is None:
        return Diagnosis(
            FAULT, 'missing, and mmpose.models imports it', 'pip install mmdet==3.3.0'
        )
    return Diagnosis(OK, f'mmdet {installed[1]}')


def check_setuptools() -> Diagnosis:
    """openmim and mmengine import pkg_resources, gone in setuptools 81."""
    installed = find_version('setuptools')
    if importlib.util.find_spec('pkg_resources') is None:
        return Diagnosis(
            FAULT,
            f'{installed[1] if installed else "none"}, without pkg_resources, which '
            'mmengine imports',
            'pip install "setuptools<81"',
        )
    return Diagnosis(OK, f'{installed[1] if installed else "?"} with pkg_resources')
