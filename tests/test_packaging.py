"""The wheel holds what `mim` looks for, and a broken checkout does not build silently."""

import email
import re
import shutil
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from wheels import DELETED, build_wheel, copy_checkout

import gm_pose
from gm_pose.runs.host.versions import SUPPORTED

ROOT = Path(__file__).parents[1]


@pytest.mark.slow
def test_wheel_holds_the_package_and_everything_mim_needs(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    assert 'gm_pose/.mim/model-index.yml' in names
    for folder in ('tools', 'configs'):
        for path in (ROOT / folder).rglob('*.py'):
            assert f'gm_pose/.mim/{path.relative_to(ROOT).as_posix()}' in names
    for path in (ROOT / 'gm_pose').rglob('*.py'):
        if '.mim' not in path.parts:
            assert path.relative_to(ROOT).as_posix() in names
    assert 'gm_pose/py.typed' in names
    templates = 'gm_pose/report/page/templates'
    for path in (ROOT / templates).iterdir():
        assert f'{templates}/{path.name}' in names
    archive = zipfile.ZipFile(wheel)
    (about,) = (name for name in names if name.endswith('.dist-info/METADATA'))
    metadata = email.message_from_string(archive.read(about).decode())
    assert metadata['Version'] == gm_pose.__version__
    assert metadata['License-Expression'] == 'Apache-2.0'
    assert 'torch<3,>=2.6' in metadata.get_all('Requires-Dist')
    (scripts,) = (name for name in names if name.endswith('entry_points.txt'))
    assert 'gm_pose = gm_pose.cli:main' in archive.read(scripts).decode()
    assert f'gm_pose/{DELETED}' not in names
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
    version = gm_pose.__version__
    assert f'version: {version}' in (ROOT / 'CITATION.cff').read_text()
    assert f'## {version}' in (ROOT / 'CHANGELOG.md').read_text()


def read_pins(name: str) -> dict[str, str]:
    text = (ROOT / 'requirements' / name).read_text()
    return dict(re.findall(r'^([\w-]+)==([\w.]+)', text, re.MULTILINE))


def read_dependencies() -> dict[str, SpecifierSet]:
    """Ranges of pyproject.toml, for this Python (tomllib is new in 3.11)."""
    text = (ROOT / 'pyproject.toml').read_text()
    block = re.search(r'^dependencies = \[\n(.*?)^\]', text, re.DOTALL | re.MULTILINE)[
        1
    ]
    lines = re.findall(r'^  (".*"|\'.*\'),', block, re.MULTILINE)
    found = [Requirement(line[1:-1].replace('\\"', '"')) for line in lines]
    return {
        requirement.name: requirement.specifier
        for requirement in found
        if requirement.marker is None or requirement.marker.evaluate()
    }


def test_ranges_of_the_wheel_are_those_checked_at_import():
    declared = read_dependencies()
    for names, (supported, _) in SUPPORTED.items():
        if 'mmcv' in names or 'setuptools' in names:
            continue  # either of two distributions; two lines
        assert declared[names[0]] == SpecifierSet(supported), names


def test_both_ends_of_each_range_are_pinned_sets():
    oldest, newest = read_pins('oldest.txt'), read_pins('stack.txt')
    for names, (supported, _) in SUPPORTED.items():
        name = next(n for n in (*names[::-1],) if n in newest)
        assert newest[name] in SpecifierSet(supported), name
        lower = re.search(r'>=([\d.]+)', supported)
        if lower and name != 'setuptools':  # a newer one builds the package
            assert oldest[name].startswith(lower[1]), name


def test_python_versions_are_the_same_everywhere():
    text = (ROOT / 'pyproject.toml').read_text()
    named = re.findall(r'Python :: (3\.\d+)', text)
    assert named == ['3.10', '3.11', '3.12', '3.13']
    assert 'requires-python = ">=3.10,<3.14"' in text
    setup = (ROOT / 'tools' / 'setup_env.py').read_text()
    assert 'MIN_PYTHON = (3, 10)\nMAX_PYTHON = (3, 13)' in setup
