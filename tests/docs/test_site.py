"""The documentation site builds strictly, loads nothing from elsewhere, has every name."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import gm_pose
import gm_pose.ops

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope='module')
def site(tmp_path_factory) -> Path:
    """The built site; `--strict` fails on a broken link and on a page without a place."""
    folder = tmp_path_factory.mktemp('site')
    command = [sys.executable, '-m', 'mkdocs', 'build', '--strict', '-d', str(folder)]
    ended = subprocess.run(
        command,
        cwd=ROOT,
        capture_output=True,
        text=True,
        env=dict(os.environ, NO_MKDOCS_2_WARNING='1'),
    )
    assert ended.returncode == 0, ended.stderr
    return folder


def test_pages_load_nothing_from_other_hosts(site):
    pages = [*site.rglob('*.html')]
    assert len(pages) > 15
    for page in pages:
        text = page.read_text(encoding='utf-8')
        loaded = re.findall(r'<(?:script|img|iframe)[^>]*\ssrc="?([^"\s>]+)', text)
        for tag in re.findall(r'<link[^>]*>', text):
            if 'stylesheet' in tag or 'icon' in tag or 'preconnect' in tag:
                loaded += re.findall(r'href="?([^"\s>]+)', tag)
        assert loaded
        outside = [url for url in loaded if re.match(r'(https?:)?//', url)]
        assert not outside, (page, outside)


@pytest.mark.parametrize(
    ('page', 'module'), [('gm_pose', gm_pose), ('ops', gm_pose.ops)]
)
def test_reference_has_every_public_name(site, page, module):
    text = (site / 'reference' / page / 'index.html').read_text(encoding='utf-8')
    headings = re.findall(r'<h[2-6][^>]* id="?[^" >]*?\.?(\w+)"?[ >]', text)
    not_documented = {'__version__', 'Array'}  # the latter is an alias of types
    missing = {*module.__all__} - not_documented - {*headings}
    assert not missing


def test_links_to_source_files_do_not_become_broken_links(site):
    text = (site / 'study' / 'index.html').read_text(encoding='utf-8')
    assert 'sigma_arms.py' in text or 'studies/' in text
    assert not re.search(r'href="?(?:\.\./)+studies/', text)
