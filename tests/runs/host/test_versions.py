"""Each unsupported host package gives one line, before anything else is imported."""

import subprocess
import sys
from importlib import metadata

import pytest

from gm_pose.runs.host import versions

UNSUPPORTED = [
    ('torch', '2.5.1'),
    ('torch', '1.13.1+cu117'),
    ('torch', '3.0.0'),
    ('numpy', '1.23.5'),
    ('numpy', '3.0.0'),
    ('setuptools', '81.0.0'),
    ('mmengine', '0.9.0'),
    ('mmengine', '1.0.0'),
    ('mmcv', '2.2.0'),
    ('mmcv-lite', '2.0.0rc4'),
    ('mmdet', '3.2.0'),
    ('mmpose', '0.29.0'),
    ('mmpose', '2.0.0'),
]


def install(monkeypatch, **replaced):
    """Let the installed versions be the supported ones, but for `replaced`."""
    found = {
        'torch': '2.6.0+cpu',
        'numpy': '2.0.0',
        'setuptools': '80.0.0',
        'mmengine': '0.10.7',
        'mmcv': '2.1.0',
        'mmdet': '3.3.0',
        'mmpose': '1.3.2',
    }
    found.update({key.replace('_', '-'): value for key, value in replaced.items()})

    def version(name):
        if found.get(name) is None:
            raise metadata.PackageNotFoundError(name)
        return found[name]

    monkeypatch.setattr(versions.metadata, 'version', version)


def test_installed_stack_is_supported():
    versions.check_versions()


@pytest.mark.parametrize('torch', ['2.6.0', '2.14.1+cu130', '2.15.0.dev2026'])
def test_supported_versions_pass(torch, monkeypatch):
    install(monkeypatch, torch=torch)
    versions.check_versions()


@pytest.mark.parametrize(('name', 'found'), UNSUPPORTED)
def test_unsupported_version_is_one_line(name, found, monkeypatch):
    replaced = {name.replace('-', '_'): found}
    if name == 'mmcv-lite':
        replaced['mmcv'] = None
    install(monkeypatch, **replaced)
    with pytest.raises(ImportError) as info:
        versions.check_versions()
    message = str(info.value)
    (supported,) = (v[0] for k, v in versions.SUPPORTED.items() if name in k)
    assert message.startswith(f'{name} is {found}; gm_pose expects {supported} (')
    assert message.endswith(f'Fix: pip install "{name}{supported}"')
    assert '\n' not in message


@pytest.mark.parametrize('names', versions.SUPPORTED)
def test_missing_package_is_one_line(names, monkeypatch):
    install(monkeypatch, **{name.replace('-', '_'): None for name in names})
    with pytest.raises(ImportError) as info:
        versions.check_versions()
    message = str(info.value)
    supported, _ = versions.SUPPORTED[names]
    expected = f'{" or ".join(names)} is not installed; gm_pose expects {supported} ('
    assert message.startswith(expected)
    assert message.endswith(f'Fix: pip install "{names[-1]}{supported}"')


def test_lite_packages_count(monkeypatch):
    install(monkeypatch, mmcv=None, mmcv_lite='2.1.0', mmengine=None)
    with pytest.raises(ImportError, match='mmengine or mmengine-lite'):
        versions.check_versions()
    install(
        monkeypatch, mmcv=None, mmcv_lite='2.1.0', mmengine=None, mmengine_lite='0.10.7'
    )
    versions.check_versions()


def test_message_comes_before_a_host_package_is_imported():
    """A missing or wrong mmengine must not show as a traceback out of our own imports."""
    script = (
        'import sys\n'
        'from importlib import metadata\n'
        'real = metadata.version\n'
        'metadata.version = lambda n: "0.1" if n == "mmengine" else real(n)\n'
        'for name in ("torch", "mmengine", "mmcv", "mmdet", "mmpose"):\n'
        '    sys.modules[name] = None\n'
        'from gm_pose import JointAdaptiveMSRAHeatmap\n'
    )
    result = subprocess.run(
        [sys.executable, '-c', script], capture_output=True, text=True
    )
    assert result.returncode == 1
    last_line = result.stderr.strip().splitlines()[-1]
    assert last_line.startswith('ImportError: mmengine is 0.1; gm_pose expects >=')
