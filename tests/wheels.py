"""Builds the wheel of a copy of this checkout."""

import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
DELETED = 'deleted_module.py'
SOURCES = (
    'pyproject.toml',
    'setup.py',
    'MANIFEST.in',
    'README.md',
    'LICENSE',
    'model-index.yml',
    'gm_pose',
    'configs',
    'tools',
)


def copy_checkout(target: Path) -> Path:
    target.mkdir()
    for name in SOURCES:
        source = ROOT / name
        if source.is_dir():
            ignored = shutil.ignore_patterns('__pycache__', '.mim')
            shutil.copytree(source, target / name, ignore=ignored)
        else:
            shutil.copy2(source, target / name)
    return target


def build_wheel(checkout: Path, out: Path) -> subprocess.CompletedProcess:
    command = [
        sys.executable,
        '-m',
        'pip',
        'wheel',
        '--no-deps',
        '--no-build-isolation',
    ]
    return subprocess.run(
        [*command, '-w', str(out), str(checkout)], capture_output=True, text=True
    )


def build_wheel_after_another(folder: Path) -> Path:
    """The wheel of a checkout that was built before a module was deleted -> its path.

    The module must not come back from build/.
    """
    checkout = copy_checkout(folder / 'checkout')
    stale = checkout / 'build' / 'lib' / 'gm_pose' / DELETED
    stale.parent.mkdir(parents=True)
    stale.write_text('')
    result = build_wheel(checkout, folder)
    assert result.returncode == 0, result.stderr
    (wheel,) = folder.glob('gm_pose-*.whl')
    return wheel
