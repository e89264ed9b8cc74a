"""Supported ranges of the host packages, checked before MMPose is imported."""

import sys
from importlib import metadata

from packaging.specifiers import SpecifierSet

# Both ends of each range are tested: requirements/oldest.txt and stack.txt. pyproject.toml
# repeats the ranges.
# pkg_resources left setuptools in 81, and before 66.1 it dies on Python 3.12.
_SETUPTOOLS = '>=66.1,<81' if sys.version_info >= (3, 12) else '<81'

# distribution(s) that provide the package -> (supported range, why it ends there).
# Where two names stand, the first one installed counts.
SUPPORTED: dict[tuple[str, ...], tuple[str, str]] = {
    ('torch',): ('>=2.6,<3', 'tested with 2.6.0 and 2.14.1'),
    ('numpy',): ('>=1.24,<3', 'tested with 1.26 and 2'),
    ('setuptools',): (_SETUPTOOLS, 'mmengine imports its pkg_resources'),
    ('mmengine', 'mmengine-lite'): ('>=0.10.4,<1', 'the last published line'),
    ('mmcv', 'mmcv-lite'): ('>=2.0.1,<2.2', 'mmdet 3.3.0 refuses mmcv 2.2'),
    ('mmdet',): ('>=3.3,<3.4', "mmpose's heads import it"),
    ('mmpose',): ('>=1.3.1,<2', 'codecs and heads as in MMPose 1.3'),
}


def find_installed(names: tuple[str, ...]) -> tuple[str, str | None]:
    """First installed distribution of `names` -> (name, version or None)."""
    for name in names:
        try:
            return name, metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return names[0], None


def check_versions() -> None:
    """Raise ImportError with one line for the first unsupported host package."""
    for names, (supported, reason) in SUPPORTED.items():
        name, found = find_installed(names)
        if found is None:
            raise ImportError(
                f'{" or ".join(names)} is not installed; gm_pose expects {supported} '
                f'({reason}). Fix: pip install "{names[-1]}{supported}"'
            )
        if not SpecifierSet(supported).contains(found, prereleases=True):
            raise ImportError(
                f'{name} is {found}; gm_pose expects {supported} ({reason}). Fix: '
                f'pip install "{name}{supported}"'
            )
