"""The main job as a user starts it: `mim train`, `--resume`, `mim test`, from any folder.

Needs gm_pose installed (not in editable mode) in the running environment, as
`make test` does it: `mim` looks for the installed package's `.mim` folder. The first run
starts as a user's does; the others have imported this checkout and MMPose already.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from gm_pose.datasets.synthetic_people import make_coco_folder

MIM = Path(sys.executable).with_name('mim')
CONFIG = 'demo_gm_set2_synthetic.py'
SMALL = (
    'train_cfg.val_interval=1',
    'train_dataloader.batch_size=4',
    'train_dataloader.num_workers=0',
    'train_dataloader.persistent_workers=False',
    'val_dataloader.num_workers=0',
    'val_dataloader.persistent_workers=False',
    'test_dataloader.num_workers=0',
    'test_dataloader.persistent_workers=False',
)
COCO_NUMBERS = [
    f'{what}{kind}'
    for what in ('AP', 'AR')
    for kind in ('', ' .5', ' .75', ' (M)', ' (L)')
]


def call(command, folder, **env):
    return subprocess.run(
        list(map(str, command)),
        cwd=folder,
        env=dict(os.environ, OMP_NUM_THREADS='1', **env),
        capture_output=True,
        text=True,
        timeout=300,
    )


@pytest.fixture(scope='module')
def coco_root(tmp_path_factory):
    folder = tmp_path_factory.mktemp('coco')
    make_coco_folder(folder, train_people=8, val_people=4, seed=1)
    return folder


@pytest.mark.slow
def test_train_resume_and_test_by_basename_from_another_folder(
    coco_root, warm_python, tmp_path
):
    env = dict(COCO_ROOT=str(coco_root))
    train = [MIM, 'train', 'gm_pose', CONFIG, '--work-dir', tmp_path / 'run']

    result = call(
        [*train, '--cfg-options', *SMALL, 'train_cfg.max_epochs=1'], tmp_path, **env
    )
    assert result.returncode == 0, result.stdout + result.stderr
    checkpoint = tmp_path / 'run' / 'epoch_1.pth'
    assert (tmp_path / 'run' / 'last_checkpoint').read_text() == str(checkpoint)

    options = ['--resume', '--cfg-options', *SMALL, 'train_cfg.max_epochs=2']
    result = call([warm_python, *train, *options], tmp_path, **env)
    assert result.returncode == 0, result.stdout + result.stderr
    assert 'resumed epoch: 1' in result.stdout + result.stderr
    checkpoint = tmp_path / 'run' / 'epoch_2.pth'
    assert (tmp_path / 'run' / 'last_checkpoint').read_text() == str(checkpoint)

    metrics_file = tmp_path / 'metrics.json'
    test = [warm_python, MIM, 'test', 'gm_pose', CONFIG, '--checkpoint', checkpoint]
    options = [
        '--work-dir',
        tmp_path / 'run',
        '--out',
        metrics_file,
        '--cfg-options',
        *SMALL,
    ]
    result = call([*test, *options], tmp_path, **env)
    assert result.returncode == 0, result.stdout + result.stderr
    assert 'Average Precision  (AP) @[ IoU=0.50:0.95' in result.stdout
    metrics = json.loads(metrics_file.read_text())
    for name in COCO_NUMBERS:
        assert -1 <= metrics[f'coco/{name}'] <= 1  # -1: nobody of that size


@pytest.mark.slow
@pytest.mark.skipif(torch.cuda.is_available(), reason='gloo is for CPUs')
def test_two_processes_of_the_mim_command_train_and_test_over_gloo(
    coco_root, warm_python, tmp_path
):
    env = dict(COCO_ROOT=str(coco_root))
    mim = [warm_python, MIM]
    launch = ['--launcher', 'pytorch', '--gpus', 2, '--work-dir', tmp_path / 'run']
    train = [*mim, 'train', 'gm_pose', CONFIG, *launch]
    options = [*SMALL, 'train_cfg.max_epochs=1', 'train_dataloader.batch_size=2']
    result = call([*train, '--cfg-options', *options], tmp_path, **env)
    assert result.returncode == 0, result.stdout + result.stderr
    checkpoint = tmp_path / 'run' / 'epoch_1.pth'
    state = torch.load(checkpoint, weights_only=False)['gm_pose_run']
    assert state['conditions']['number of processes'] == 2
    assert len(state['rng']) == 2
    log = next((tmp_path / 'run').glob('*/*.log')).read_text()
    assert 'the effective batch is 4 (2 samples x 2 processes' in log
    validated = json.loads(
        next((tmp_path / 'run').glob('*/vis_data/scalars.json'))
        .read_text()
        .splitlines()[-1]
    )

    test = [*mim, 'test', 'gm_pose', CONFIG, '--checkpoint', checkpoint, *launch]
    metrics_file = tmp_path / 'metrics.json'
    options = ['--out', metrics_file, '--cfg-options', *SMALL]
    result = call([*test, *options], tmp_path, **env)
    assert result.returncode == 0, result.stdout + result.stderr
    metrics = json.loads(metrics_file.read_text())
    for name in COCO_NUMBERS:
        assert metrics[f'coco/{name}'] == validated[f'coco/{name}']


@pytest.mark.slow
def test_missing_dataset_is_named_without_our_traceback(warm_python, tmp_path):
    train = [warm_python, MIM, 'train', 'gm_pose', CONFIG]
    result = call(train, tmp_path, COCO_ROOT='/no/such/folder')
    assert result.returncode != 0
    ours = [
        line for line in result.stderr.splitlines() if line.startswith('gm_pose: error')
    ]
    assert ours  # one line for each file that is missing
    for line in ours:
        assert '/no/such/folder' in line
        assert 'COCO_ROOT' in line
    assert 'tools/train.py", line' not in result.stderr
    assert not (tmp_path / 'work_dirs').exists()
