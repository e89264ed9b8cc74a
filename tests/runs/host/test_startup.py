"""The start-up file: fixes for programs that do not import gm_pose, and nothing else."""

import os
import subprocess
import sys
from pathlib import Path

import packaging
import pytest

from gm_pose.runs.host import startup

ROOT = Path(__file__).parents[3]
# Python starts without site-packages here: the host is what `host` holds.
SITE = """
import site, sys
before = set(sys.modules)
site.addsitedir({site!r})
at_start = set(sys.modules) - before
"""
STATE = """
print(sorted(n for n in sys.modules if n.partition('.')[0].startswith('gm_pose')))
"""


@pytest.fixture
def python(tmp_path):
    """Runs code in a Python whose site-packages hold the start-up file."""
    site = tmp_path / 'site'
    site.mkdir()
    (site / 'gm_pose_host.py').write_text(Path(startup.__file__).read_text())
    (site / startup.PTH_NAME).write_text(startup.PTH_LINE)

    def run(code, *paths, **env):
        for name in ('GM_POSE_STARTUP', 'PYTHONPATH'):
            env.setdefault(name, '')
        env['PYTHONPATH'] = os.pathsep.join(map(str, paths))
        return subprocess.run(
            [sys.executable, '-S', '-c', SITE.format(site=str(site)) + code + STATE],
            env=dict(os.environ, **env),
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=60,
        )

    return run


def make_host(folder, packages=('mmcv', 'mmdet', 'mmengine', 'mmpose'), extension=''):
    for name in packages:
        (folder / name).mkdir(parents=True)
        (folder / name / '__init__.py').write_text('')
    if extension:
        (folder / 'mmcv' / extension).write_text('')
    return folder


def test_start_of_python_loads_one_small_module(python):
    ended = python('print(sorted(at_start))', ROOT)
    # Python 3.13 reads .pth files by this codec, whoever wrote them.
    lines = ended.stdout.replace("'encodings.utf_8_sig', ", '').splitlines()
    assert lines == ["['gm_pose_host']", "['gm_pose_host']"]
    assert ended.stderr == ''


@pytest.mark.parametrize('first', ['mmcv', 'mmdet', 'mmengine', 'mmpose'])
def test_first_package_of_the_host_arranges_the_fixes_alone(python, tmp_path, first):
    host = make_host(tmp_path / 'host')
    ended = python(f'import {first}, mmcv.ops\nprint(mmcv.ops.__doc__)', ROOT, host)
    text, modules = ended.stdout.splitlines()
    assert text.startswith('Stand-in'), ended.stderr
    assert "'gm_pose.runs.host'" in modules
    assert "'gm_pose'" not in modules
    assert "'gm_pose.runs.host.versions'" not in modules


def test_a_search_changes_nothing_of_the_host(python, tmp_path):
    code = (
        'from importlib.util import find_spec\nassert find_spec("mmpose") is not None\n'
        'assert find_spec("mmpose").loader.name == "mmpose"\n'
        'print([n for n in sys.modules if n.startswith(("mm", "xtc"))])'
    )
    ended = python(code, ROOT, make_host(tmp_path / 'host'))
    assert ended.stdout.splitlines()[0] == '[]', ended.stderr


NOTHING = {
    'switched off': (dict(), 'GM_POSE_STARTUP', '0', '[]'),
    'full mmcv': (dict(extension='_ext.cpython-311-x86_64-linux-gnu.so'), '', '', None),
    'full mmcv, plain name': (dict(extension='_ext.so'), '', '', None),
    'no mmpose': (dict(packages=('mmcv', 'mmengine')), '', '', None),
    'no mmcv': (dict(packages=('mmengine', 'mmpose')), '', '', None),
}


@pytest.mark.parametrize('case', NOTHING)
def test_nothing_is_done(python, tmp_path, case):
    host, variable, value, loaded = NOTHING[case]
    env = {variable: value} if variable else {}
    code = 'import mmengine\nprint(len(sys.meta_path))'
    ended = python(code, ROOT, make_host(tmp_path / 'host', **host), **env)
    assert ended.stdout.splitlines()[-1] == (loaded or "['gm_pose_host']")
    assert ended.stderr == ''


BROKEN = {
    'gm_pose gone': None,
    'syntax error': 'def',
    'no room': '',
    'ends Python': 'raise RuntimeError("no")',
}


@pytest.mark.parametrize('case', BROKEN)
def test_broken_package_breaks_neither_python_nor_the_host(python, tmp_path, case):
    host = make_host(tmp_path / 'host')
    if BROKEN[case] is not None:
        make_host(host, ['gm_pose', 'gm_pose/runs'])
        (host / 'gm_pose' / 'runs' / '__init__.py').write_text(BROKEN[case])
    ended = python('import mmpose, mmcv\nprint(mmpose.__name__)', host)
    assert ended.returncode == 0
    assert ended.stdout.splitlines()[0] == 'mmpose'
    (line,) = ended.stderr.splitlines()
    assert line.startswith('gm_pose_host: MMPose is not fixed: ')
    assert python('print("starts")', host).stdout.startswith('starts')


def test_package_that_is_imported_first_does_it_all(python, tmp_path):
    code = (
        'import gm_pose\nn = len(sys.meta_path)\nimport mmcv\n'
        'print(len(sys.meta_path) - n)'
    )
    ended = python(code, ROOT, make_host(tmp_path / 'host'))
    assert ended.stdout.splitlines()[0] == '0', ended.stderr


def test_package_imported_later_is_whole_and_checks_versions(python, tmp_path):
    """The rooms that the start-up loaded are bound to the package; no host distribution
    is installed for this Python, which the package says when mmpose comes after it."""
    code = (
        'import mmcv\nassert "gm_pose" not in sys.modules\nimport gm_pose\n'
        'import gm_pose.runs.host\nassert gm_pose.runs.host is not None\n'
        'assert sum(type(f).__name__ == "_ImportHook" for f in sys.meta_path) == 1\n'
        'try:\n    import mmpose\nexcept ImportError as error:\n    print(error)\n'
    )
    host = make_host(tmp_path / 'host')
    (host / 'packaging').symlink_to(Path(packaging.__file__).parent)
    ended = python(code, ROOT, host)
    assert 'torch is not installed; gm_pose expects' in ended.stdout, ended.stderr
