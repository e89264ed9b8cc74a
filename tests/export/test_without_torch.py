"""The file and the code of docs/deploy.md where PyTorch and MMPose are not installed."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import cv2
import numpy as np
import pytest
from tiny_models import make_samples

from gm_pose.inference.backends.onnx_backend import open_session

ROOT = Path(__file__).parents[2]
# What a product installs, what openvino and gm_pose need of their own, and cv2's libraries.
INSTALLED = (
    'numpy',
    'numpy.libs',
    'cv2',
    'opencv_python_headless.libs',
    'onnxruntime',
    'openvino',
    'packaging',
    'orjson',
    'msgspec',
    'PIL',
    'pillow.libs',
)

SCRIPT = dedent("""
    import json, sys
    from importlib.util import find_spec
    import numpy as np
    found = {}
    with open('deploy.json') as file:
        snippets = json.load(file)
    space = {}
    for snippet in snippets:
        exec(snippet, space)
    names = ('keypoints', 'scores', 'covariances', 'presence', 'expected_oks')
    found['onnxruntime'] = {name: space[name].tolist() for name in names}
    found['openvino'] = {name: space['outputs'][name].tolist() for name in names}
    from gm_pose import PoseEstimator
    people = PoseEstimator('best.onnx')('photo.jpg')
    found['gm_pose'] = dict(keypoints=people.keypoints_px.tolist(), n=len(people))
    found['installed'] = [name for name in ('torch', 'mmpose', 'mmengine', 'mmcv')
                          if find_spec(name) or name in sys.modules]
    print(json.dumps(found))
""")


@pytest.fixture(scope='module')
def answers(tmp_path_factory, onnx_file):
    """What `SCRIPT` printed, and what this process gets from the same file."""
    home = tmp_path_factory.mktemp('product')
    subprocess.run([sys.executable, '-m', 'venv', '--without-pip', home], check=True)
    (site,) = home.glob('lib/python*/site-packages')
    installed = Path(np.__file__).parents[1]
    for source in (ROOT / 'gm_pose', *(installed / name for name in INSTALLED)):
        if source.exists():
            (site / source.name).symlink_to(source)
    text = (ROOT / 'docs' / 'deploy.md').read_text(encoding='utf-8')
    snippets = [s for s in re.findall(r'```python\n(.*?)```', text, re.DOTALL)]
    snippets = [s for s in snippets if 'rtmlib' not in s]
    assert len(snippets) == 3
    assert len(snippets[0].splitlines()) <= 10
    (home / 'best.onnx').symlink_to(onnx_file)
    (home / 'deploy.json').write_text(json.dumps(snippets))
    sample = make_samples()[0]
    cv2.imwrite(str(home / 'photo.jpg'), sample.image)
    python = home / ('Scripts' if os.name == 'nt' else 'bin') / 'python'
    done = subprocess.run(
        [python, '-I', '-c', SCRIPT],
        cwd=home,
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    image = cv2.imread(str(home / 'photo.jpg'))
    boxes = np.float32([[0, 0, image.shape[1], image.shape[0]]])
    session = open_session(onnx_file)
    outputs = session.run(None, {'image': image, 'boxes': boxes})
    names = [output.name for output in session.get_outputs()]
    expected = dict(zip(names, outputs, strict=True))
    return json.loads(done.stdout.splitlines()[-1]), expected


def test_neither_pytorch_nor_mmpose_is_there(answers):
    assert answers[0]['installed'] == []


@pytest.mark.parametrize('runtime', ['onnxruntime', 'openvino'])
def test_runtimes_agree(answers, runtime):
    found, expected = answers
    for name, values in found[runtime].items():
        # Float32 in another order; OpenVINO computes positions in float32, too, whose
        # rounding may move samples by 1/32 px. Covariances are in px^2, up to 1e4 here.
        scale = max(1.0, float(np.abs(expected[name]).max()))
        tolerance = 0.01 if name == 'keypoints' else 1e-3 * scale
        assert np.abs(np.array(values) - expected[name]).max() < tolerance, name


def test_pose_estimator_runs_it(answers):
    found, expected = answers
    assert found['gm_pose']['n'] == 1
    keypoints = np.array(found['gm_pose']['keypoints'])
    assert np.abs(keypoints - expected['keypoints']).max() < 1e-3
