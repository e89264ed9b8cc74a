"""The wheel holds what `mim` looks for, and a broken checkout does not build silently."""

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCES = (
    'setup.py', 'MANIFEST.in', 'README.md', 'LICENSE', 'model-index.yml', 'gm_pose',
    'configs', 'tools',
)  # fmt: skip


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


@pytest.mark.slow
def test_wheel_holds_the_package_and_everything_mim_needs(tmp_path):
    checkout = copy_checkout(tmp_path / 'checkout')
    # A module deleted since an earlier build must not come back from build/.
    stale = checkout / 'build' / 'lib' / 'gm_pose' / 'deleted_module.py'
    stale.parent.mkdir(parents=True)
    stale.write_text('')
    result = build_wheel(checkout, tmp_path)
    assert result.returncode == 0, result.stderr
    (wheel,) = tmp_path.glob('gm_pose-*.whl')
    names = set(zipfile.ZipFile(wheel).namelist())
    assert 'gm_pose/.mim/model-index.yml' in names
    for folder in ('tools', 'configs'):
        for path in (ROOT / folder).rglob('*.py'):
            assert f'gm_pose/.mim/{path.relative_to(ROOT).as_posix()}' in names
    for path in (ROOT / 'gm_pose').rglob('*.py'):
        if '.mim' not in path.parts:
            assert path.relative_to(ROOT).as_posix() in names
    assert 'gm_pose/py.typed' in names
    assert 'gm_pose/deleted_module.py' not in names
    assert not any(name.startswith('tests/') for name in names)


@pytest.mark.slow
@pytest.mark.parametrize('missing', ['model-index.yml', 'configs', 'tools/train.py'])
def test_build_fails_loudly_when_mim_content_is_missing(tmp_path, missing):
    checkout = copy_checkout(tmp_path / 'checkout')
    path = checkout / missing
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    result = build_wheel(checkout, tmp_path)
    assert result.returncode != 0
    output = result.stderr + result.stdout
    assert 'is missing' in output or 'nothing matches' in output, output
    assert Path(missing).name in output
    assert not list(tmp_path.glob('*.whl'))


def test_version_is_the_same_everywhere():
    from gm_pose import __version__

    assert f'version: {__version__}' in (ROOT / 'CITATION.cff').read_text()
    assert f'## {__version__}' in (ROOT / 'CHANGELOG.md').read_text()
