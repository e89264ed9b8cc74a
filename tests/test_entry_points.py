"""MMPose's and MMDetection's own entry points, with the wheel installed, without gm_pose.

An environment of links: what is installed where the tests run, less gm_pose, plus the
wheel that this checkout builds.
"""

import os
import re
import subprocess
import sys
import sysconfig
from functools import partial
from importlib.util import find_spec
from pathlib import Path

import cv2
import pytest
from warm_python import OTHERS, start_warm_python

pytest.importorskip('mmpose')
pytestmark = pytest.mark.slow

MAKE_FILES = """
from mmpose.apis import init_model
from mmdet.apis import init_detector
import torch
from mmengine.config import Config
from importlib.util import find_spec
from pathlib import Path

def find_config(package, name):
    root = Path(find_spec(package).origin).parent / '.mim' / 'configs'
    cfg = Config.fromfile(next(root.rglob(name)))
    cfg.model.backbone.init_cfg = None  # random weights: nothing to download
    return cfg

torch.manual_seed(0)
for file, package, name, init in (
    ('pose', 'mmpose', 'td-hm_res50_8xb64-210e_coco-256x192.py', init_model),
    ('boxes', 'mmdet', 'rtmdet_tiny_8xb32-300e_coco.py', init_detector),
):
    cfg = find_config(package, name)
    if file == 'pose':  # ResNet-18 starts and runs in a third of the time
        cfg.model.backbone.depth, cfg.model.head.in_channels = 18, 512
    cfg.dump(f'{file}.py')
    model = init(cfg, None, device='cpu')
    state = dict(state_dict=model.state_dict(), meta=dict(dataset_meta=model.dataset_meta))
    torch.save(state, f'{file}.pth')
"""
PICTURE = """
import cv2, numpy as np, sys
picture = np.random.default_rng(0).integers(0, 256, (120, 160, 3), dtype=np.uint8)
cv2.imwrite('picture.png', picture)
"""
MADE_LINE = 'all files are made'
MADE = f'print({MADE_LINE!r})'
END = """
assert 'gm_pose.runs.host' in sys.modules
import xtcocotools  # the stand-in for it is a part of gm_pose
has_stand_in = hasattr(xtcocotools, 'is_gm_pose_stand_in')
assert has_stand_in or 'gm_pose' not in sys.modules
print('passed')
"""
# Runs in the interpreter that made the files: its imports take seconds.
POSE = """
from mmpose.apis import MMPoseInferencer, inference_topdown
model = init_model('pose.py', 'pose.pth', device='cpu')
found = inference_topdown(model, picture)[0].pred_instances
assert found.keypoints.shape == (1, 17, 2) and np.isfinite(found.keypoints).all()
inferencer = MMPoseInferencer(
    pose2d='pose.py', pose2d_weights='pose.pth', det_model='whole_image', device='cpu')
(person,) = next(inferencer('picture.png'))['predictions'][0]
assert np.allclose(person['keypoints'], found.keypoints[0])
"""
BOXES = """
from mmdet.apis import DetInferencer
from mmpose.apis import MMPoseInferencer
inferencer = DetInferencer('boxes.py', 'boxes.pth', device='cpu')
found = inferencer('picture.png', no_save_pred=True)['predictions'][0]
assert len(found['bboxes']) > 4
inferencer = MMPoseInferencer(
    pose2d='pose.py', pose2d_weights='pose.pth', device='cpu',
    det_model='boxes.py', det_weights='boxes.pth', det_cat_ids=list(range(80)))
threshold = sorted(found['scores'])[-4]  # random scores: the three best boxes
people = next(inferencer('picture.png', bbox_thr=threshold, nms_thr=1.0))
people = people['predictions'][0]
assert len(people) in (2, 3)  # two of them may have one score
assert all(len(person['keypoints']) == 17 for person in people)
"""


@pytest.fixture(scope='module')
def installed(wheel, tmp_path_factory):
    """installed(*arguments) -> the ended interpreter of an environment with the wheel."""
    folder = tmp_path_factory.mktemp('environment')
    command = [sys.executable, '-m', 'venv', '--without-pip', str(folder / 'venv')]
    subprocess.run(command, check=True)
    (packages,) = (folder / 'venv').glob('lib/python*/site-packages')
    for path in Path(sysconfig.get_paths()['purelib']).iterdir():
        if not path.name.startswith(('gm_pose', '__editable__', '_virtualenv')):
            (packages / path.name).symlink_to(path)
    env = dict(os.environ, OMP_NUM_THREADS='1')
    env.pop('PYTHONPATH', None)
    env.pop('GM_POSE_STARTUP', None)

    new = folder / 'venv' / 'bin' / 'python'

    def run(*arguments, python=new, **variables):
        return subprocess.run(
            [str(python), *arguments],
            cwd=folder,
            env={**env, **variables},
            capture_output=True,
            text=True,
            timeout=300,
        )

    run.folder, run.python, run.env = folder, new, env
    ended = run('-m', 'pip', 'install', '--no-deps', '--no-index', str(wheel))
    assert ended.returncode == 0, ended.stderr
    return run


@pytest.fixture(scope='module')
def pose_script(installed):
    """How the script that makes the files and then uses MMPose's API ended."""
    return installed('-c', PICTURE + MAKE_FILES + MADE + POSE + END)


@pytest.fixture(scope='module')
def python(installed):
    """An interpreter of that environment; PyTorch is imported, nothing of MMPose is."""
    with start_warm_python(OTHERS, installed.python, installed.env) as python:
        yield python


@pytest.fixture
def environment(installed, pose_script, python):
    """Runs where picture, configs and checkpoints lie in the current folder."""
    assert MADE_LINE in pose_script.stdout, pose_script.stderr
    return partial(installed, python=python)


def test_api_of_mmpose_works_without_importing_gm_pose(pose_script):
    assert pose_script.returncode == 0, pose_script.stderr
    assert pose_script.stdout.splitlines()[-1] == 'passed'


def test_api_of_mmdet_works_without_importing_gm_pose(environment):
    """RTMDet, alone and under MMPoseInferencer."""
    ended = environment('-c', PICTURE + BOXES + END)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.splitlines()[-1] == 'passed'


def test_mim_runs_scripts_of_mmpose(environment):
    ended = environment('-m', 'mim', 'run', 'mmpose', 'get_flops', 'pose.py')
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert 'finished successfully' in ended.stdout


def test_demo_script_of_mmpose_runs(installed, environment):
    demo = Path(find_spec('mmpose').origin).parent / '.mim' / 'demo' / 'image_demo.py'
    arguments = ('picture.png', 'pose.py', 'pose.pth', '--device', 'cpu')
    ended = environment(str(demo), *arguments, '--out-file', 'drawn.png')
    assert ended.returncode == 0, ended.stderr
    drawn = cv2.imread(str(installed.folder / 'drawn.png'))
    assert drawn.shape == (120, 160, 3)


def test_start_up_file_is_what_does_it(installed):
    try:
        import mmcv._ext  # noqa: F401
    except ImportError:
        code = 'from mmpose.apis import init_model'
        ended = installed('-c', code, GM_POSE_STARTUP='0')
        # where there is no xtcocotools, MMPose misses it first
        assert re.search("No module named '(mmcv._ext|xtcocotools)'", ended.stderr)
    else:
        pytest.skip('full mmcv is installed')
