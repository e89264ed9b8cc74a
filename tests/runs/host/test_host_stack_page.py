"""docs/host-stack.md names every module that changes the host, and the pinned versions."""

import re
from pathlib import Path

import pytest

import gm_pose.runs.host

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / 'docs' / 'host-stack.md').read_text()
ROOM = Path(gm_pose.runs.host.__file__).parent
PARTS = sorted(
    {path.relative_to(ROOM).parts[0] for path in ROOM.rglob('*.py')} - {'__init__.py'}
)


@pytest.mark.parametrize('part', PARTS)
def test_every_module_of_the_room_is_on_the_page(part):
    assert f'`{part}`' in PAGE or f'`{part}/`' in PAGE


@pytest.mark.parametrize('path', re.findall(r'`((?:runs|cli)/[\w/]+\.py)`', PAGE))
def test_files_named_exist(path):
    assert (ROOT / 'gm_pose' / path).is_file()


@pytest.mark.parametrize('name', ['stack.txt', 'oldest.txt'])
def test_versions_named_are_the_pinned_ones(name):
    text = (ROOT / 'requirements' / name).read_text()
    pins = dict(re.findall(r'^([\w-]+)==([\d.]+)', text, re.MULTILINE))
    sentence = PAGE.split(f'`requirements/{name}` (')[1].split(')')[0]
    for package, version in re.findall(
        r'(PyTorch|numpy|mm[\w-]+) (\d[\d.]*\d)', sentence
    ):
        assert f'{"torch" if package == "PyTorch" else package}=={version}' in text
    assert pins['torch'] in sentence
    if name == 'stack.txt':
        for package in ('mmengine', 'mmdet', 'mmpose'):
            assert f'{package} {pins[package]}' in PAGE
