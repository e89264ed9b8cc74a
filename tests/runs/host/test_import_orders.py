"""Whatever is imported first, MMPose finds our parts and the host is fixed."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from warm_python import OTHERS, start_warm_python

ROOT = Path(__file__).parents[3]
# A codec, hooks and a transform are found; checkpoints are read safely.
CHECK = """
import mmpose.registry as registries
for registry, name in (('KEYPOINT_CODECS', 'JointAdaptiveMSRAHeatmap'),
                       ('HOOKS', 'ExactResumeHook'), ('HOOKS', 'MixtureSigmaHook'),
                       ('DATA_SAMPLERS', 'SeededSampler'),
                       ('TRANSFORMS', 'LoadReadableImage')):
    assert getattr(registries, registry).get(name) is not None, name
from mmengine.runner import checkpoint
loader = checkpoint.CheckpointLoader._schemes['']
assert loader.__module__ == 'gm_pose.runs.host.checkpoints', loader
assert checkpoint.load_url.__module__ == 'gm_pose.runs.host.checkpoints'
print('all found')
"""
# The slow part: MMPose's models import mmcv.ops.
CHECK_MODELS = """
for name in ('GaussianMixtureBlock', 'HeatmapHead'):
    assert registries.MODELS.get(name) is not None, name
"""


@pytest.fixture(scope='module')
def with_others():
    """An interpreter that has imported PyTorch, which takes most of the time."""
    with start_warm_python(OTHERS) as python:
        yield python


def run_python(
    code: str, *paths: Path, python: str | Path = sys.executable
) -> subprocess.CompletedProcess:
    env = dict(os.environ, PYTHONPATH=os.pathsep.join(map(str, [ROOT, *paths])))
    return subprocess.run(
        [python, '-c', code],
        env=env,
        capture_output=True,
        text=True,
        timeout=120,
    )


FIRST = {
    'gm_pose first, and a search': 'import gm_pose\nfrom importlib.util import find_spec\n'
    'assert find_spec("mmpose") and find_spec("mmpose.registry")\n'
    'assert find_spec("mmengine.runner.checkpoint") and find_spec("mmcv.ops")',
    'mmpose asked for a part first': 'from mmpose.registry import KEYPOINT_CODECS, HOOKS\n'
    'KEYPOINT_CODECS.get("MSRAHeatmap"); HOOKS.get("ExpMomentumEMA")\nimport gm_pose',
    'mmengine first': 'import mmengine.runner\nimport gm_pose',
    'ops first': 'import gm_pose.ops',
}


@pytest.mark.slow
@pytest.mark.parametrize('first', FIRST)
def test_order_of_imports_does_not_matter(first, with_others):
    ended = run_python(f'{FIRST[first]}\n{CHECK}', python=with_others)
    assert ended.returncode == 0, ended.stderr
    assert 'all found' in ended.stdout


@pytest.mark.slow
def test_new_interpreter_that_imports_mmpose_first_has_it_all():
    ended = run_python(f'import mmpose\nimport gm_pose\n{CHECK}{CHECK_MODELS}')
    assert ended.returncode == 0, ended.stderr
    assert 'all found' in ended.stdout


@pytest.mark.slow
def test_hook_module_of_a_config_imports_a_room(with_others, tmp_path):
    (tmp_path / 'my_hooks.py').write_text(
        'from gm_pose.runs.loading import SeededSampler\n'
        'from mmpose.registry import HOOKS\n'
        'from mmengine.hooks import Hook\n\n\n'
        '@HOOKS.register_module()\nclass MyHook(Hook):\n    sampler = SeededSampler\n'
    )
    (tmp_path / 'config.py').write_text("custom_imports = dict(imports=['my_hooks'])\n")
    code = (
        f'from mmengine.config import Config\nConfig.fromfile("{tmp_path}/config.py")\n'
    )
    ended = run_python(f'{code}{CHECK}{CHECK_MODELS}', tmp_path, python=with_others)
    assert ended.returncode == 0, ended.stderr


def test_importing_the_package_imports_no_host_package():
    heavy = (
        'torch',
        'cv2',
        'numpy',
        'mmengine',
        'mmcv',
        'mmdet',
        'mmpose',
        'xtcocotools',
    )
    code = (
        'import sys, gm_pose\n'
        f'print([name for name in {heavy} if name in sys.modules])\n'
    )
    assert run_python(code).stdout.strip() == '[]'


def test_a_name_of_the_package_names_an_unsupported_host_package():
    code = (
        'from importlib import metadata\n'
        'real = metadata.version\n'
        'metadata.version = lambda n: "0.1" if n == "mmpose" else real(n)\n'
        'import gm_pose\n'
        'gm_pose.resolve_sigmas\n'  # needs numpy alone
        'try:\n'
        '    import mmpose\n'
        'except ImportError as error:\n'
        '    print(error)\n'
        'gm_pose.GaussianMixtureBlock\n'
    )
    ended = run_python(code)
    assert ended.stdout.startswith('mmpose is 0.1; gm_pose expects >=')
    assert ended.stderr.splitlines()[-1].startswith(
        'ImportError: mmpose is 0.1; gm_pose'
    )
