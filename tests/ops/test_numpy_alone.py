"""The maths in an environment that has numpy and this package, and nothing else."""

import json
import os
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import numpy as np
import pytest

pytestmark = pytest.mark.slow  # makes an environment

ROOT = Path(__file__).parents[2]
NOT_NEEDED = ('torch', 'cv2', 'pycocotools', 'scipy', 'mmengine', 'mmcv', 'mmpose')

SCRIPT = dedent("""
    import json, sys, time
    from importlib.util import find_spec
    import gm_pose.ops
    seconds = time.process_time()  # of the whole process, the interpreter's start included
    import numpy as np
    from gm_pose.ops import *

    size = (48, 64)
    sigmas = resolve_sigmas('set2', size).cells
    oks = resolve_sigmas(dict(oks='coco', mean=3.4), size)
    read = resolve_decode_sigmas(dict(oks='coco', mean=3.4), 'set2',
                                 resolve_sigmas('set2', size), size, 'coco')
    joints = np.random.default_rng(0).uniform(12, 36, (17, 2))
    labelled = np.ones(17, dtype=bool)
    maps, _ = draw_exact(joints, labelled, make_exact_grid(sigmas, size), size)
    rounded, _ = draw_rounded(joints, labelled, make_patches(sigmas, size), size)
    exact, _ = decode_heatmaps(maps[None], sigmas)
    blur = make_blur(sigmas, read.cells, size)
    blurred, _ = decode_heatmaps(maps[None], read.cells, blur=blur)
    quarter, _ = decode_heatmaps(rounded[None])
    errors = [float(abs(found[0] - joints).max()) for found in (exact, blurred, quarter)]
    missing = []
    for name in ('gm_pose.codecs', 'gm_pose.models'):
        try:
            __import__(name)
        except ModuleNotFoundError as error:
            missing.append(error.name)
    print(json.dumps(dict(seconds=seconds, errors=errors, oks_mean=oks.cells.mean(),
                          modules=sorted(sys.modules), missing=missing)))
""")


@pytest.fixture(scope='module')
def report(tmp_path_factory):
    """What `SCRIPT` printed in a fresh environment, numpy and gm_pose linked into it."""
    home = tmp_path_factory.mktemp('numpy_alone')
    subprocess.run([sys.executable, '-m', 'venv', '--without-pip', home], check=True)
    python = home / ('Scripts' if os.name == 'nt' else 'bin') / 'python'
    find = 'import sysconfig; print(sysconfig.get_path("purelib"))'
    site = subprocess.run(
        [python, '-I', '-c', find], check=True, capture_output=True, text=True
    )
    installed = Path(np.__file__).parents[1]
    for source in (ROOT / 'gm_pose', installed / 'numpy', installed / 'numpy.libs'):
        if source.exists():
            (Path(site.stdout.strip()) / source.name).symlink_to(source)
    done = subprocess.run(
        [python, '-I', '-c', SCRIPT], check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_maths_needs_nothing_but_numpy(report):
    assert not {name.split('.')[0] for name in report['modules']} & set(NOT_NEEDED)
    assert all(name in NOT_NEEDED for name in report['missing'])
    assert len(report['missing']) == 2  # the environment has neither MMPose nor PyTorch


def test_import_takes_less_than_a_second_of_cpu(report):
    assert report['seconds'] < 1


def test_tables_targets_and_decoding_work(report):
    exact, blurred, quarter = report['errors']
    # In cells, 12 of them from a border: test_heatmap_decoding.py derives 0.0125 for the
    # fit, which blurring by the documented 1e-3 of a peak leaves; a Gaussian that stands on
    # the nearest cell is symmetric about it: no quarter step, half a cell.
    assert exact < 0.0125
    assert blurred < 0.0125
    assert quarter <= 0.5
    assert report['oks_mean'] == pytest.approx(3.4)
