"""A tiny config, and sweeps over it whose runs are forks of the test's process."""

import gc
import importlib
import os
import sys
import time
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.config import config as config_module
from mmengine.runner import runner as runner_module

from gm_pose.cli import sweep, sweep_run
from gm_pose.runs.launch.child_process import end_with_parent
from gm_pose.sweep.make_plan import SweepRequest, make_plan
from gm_pose.sweep.part_files import PartRequest
from gm_pose.sweep.sweep import Sweep, SweepSettings

CONFIG = """
default_scope = 'mmpose'
custom_imports = dict(imports=['gm_pose', 'sweep_components'], allow_failed_imports=False)
codec = dict(type='JointAdaptiveMSRAHeatmap', input_size=(48, 64), heatmap_size=(12, 16),
             sigmas=2.0, unbiased=True)
model = dict(
    type='TopdownPoseEstimator',
    data_preprocessor=dict(type='PoseDataPreprocessor', mean=[127.0] * 3, std=[60.0] * 3,
                           bgr_to_rgb=True),
    backbone=dict(type='ResNet', depth=18, stem_channels=4, base_channels=4, num_stages=1,
                  strides=(1,), dilations=(1,), out_indices=(0,)),
    head=dict(type='NoisyTruthHead', in_channels=4, out_channels=17,
              deconv_out_channels=None, loss=dict(type='KeypointMSELoss',
              use_target_weight=True), decoder=codec),
    test_cfg=dict(flip_test=False),
)
pipeline = [
    dict(type='LoadImage'), dict(type='GetBBoxCenterScale'),
    dict(type='TopdownAffine', input_size=(48, 64)),
]
data_root = '{data}'
train_dataloader = dict(
    batch_size=8, num_workers=0, sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(
        type='CocoDataset', data_root=data_root, data_mode='topdown',
        ann_file='annotations/person_keypoints_train2017.json',
        data_prefix=dict(img='train2017/'),
        pipeline=[*pipeline, dict(type='GenerateTarget', encoder=codec),
                  dict(type='PackPoseInputs')]),
)
val_dataloader = dict(
    batch_size=8, num_workers=0,
    sampler=dict(type='DefaultSampler', shuffle=False, round_up=False),
    dataset=dict(
        type='CocoDataset', data_root=data_root, data_mode='topdown', test_mode=True,
        ann_file='annotations/person_keypoints_val2017.json',
        data_prefix=dict(img='val2017/'),
        pipeline=[*pipeline, dict(type='PackPoseInputs')]),
)
test_dataloader = val_dataloader
val_evaluator = dict(
    type='CocoMetric',
    ann_file=data_root + '/annotations/person_keypoints_val2017.json')
test_evaluator = val_evaluator
val_cfg = dict()
test_cfg = dict()
train_cfg = dict(by_epoch=True, max_epochs=2)
optim_wrapper = dict(optimizer=dict(type='SGD', lr=1e-3))
default_hooks = dict(checkpoint=dict(type='CheckpointHook', interval=1))
"""


def write_config(data: Path, path: Path, extra: str = '') -> Path:
    path.write_text(CONFIG.replace('{data}', str(data)) + extra)
    return path


def open_sweep(
    config: Path, folder: Path, sigmas: str, seeds: int = 1, parts=None, **settings
) -> Sweep:
    """A sweep as `gm_pose sweep` opens it, its log in log_PROCESS.txt."""

    def log(text):
        with (folder / f'log_{os.getpid()}.txt').open('a') as file:
            file.write(f'{text}\n')

    cfg = Config.fromfile(config)
    request = SweepRequest(config.name, [sigmas], seeds, parts or PartRequest())
    plan, data = make_plan(cfg, request, folder)
    return Sweep(folder, plan, data, cfg, SweepSettings(**settings), log)


class ForkedRun:
    """A run as a fork of this process, which has everything imported already."""

    def __init__(self, opened: Sweep, name: str):
        candidate, _, seed = name.partition(' seed ')
        log = opened.folder / 'runs' / candidate / f'seed{seed}' / 'log.txt'
        log.parent.mkdir(parents=True, exist_ok=True)
        arguments = [str(opened.folder), candidate, seed]
        self.pid = fork(lambda: sweep_run.main(arguments), log)
        self.code: int | None = None

    def poll(self):
        if self.code is None:
            ended, status = os.waitpid(self.pid, os.WNOHANG)
            self.code = os.waitstatus_to_exitcode(status) if ended else None
        return self.code

    def terminate(self):
        if self.poll() is None:
            os.kill(self.pid, 15)

    def wait(self):
        while self.poll() is None:
            time.sleep(0.01)
        return self.code


def prepare_forks() -> None:
    """Import once what every run does: MMPose's parts, torch._dynamo (by an optimizer)."""
    for name in ('mmpose.apis', 'mmpose.engine', 'mmpose.evaluation', 'gm_pose.models'):
        importlib.import_module(name)
    torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))])


def fork(task, log: Path) -> int:
    """Run `task` in a fork that dies with this process -> its number."""
    parent = os.getpid()
    pid = os.fork()
    if pid:
        return pid
    code = 70
    try:
        end_with_parent(parent)
        descriptor = os.open(log, os.O_CREAT | os.O_WRONLY | os.O_APPEND)
        for stream in (1, 2):
            os.dup2(descriptor, stream)
        sys.stdout = os.fdopen(1, 'w', buffering=1, closefd=False)
        sys.stderr = os.fdopen(2, 'w', buffering=1, closefd=False)
        torch.set_num_threads(1)  # OpenMP's threads do not survive a fork
        gc.freeze()  # MMEngine collects garbage often, and all of this is used
        # MMEngine formats the config's text with yapf at every save: 1 s each time.
        config_module.FormatCode = lambda text, **_: (text, True)
        # MMEngine starts compilers to ask for their versions, for every runner.
        runner_module.collect_env = dict
        task()
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    except BaseException as error:
        import traceback

        traceback.print_exc()
        print(f'{type(error).__name__}: {error}')
    finally:
        sys.stdout.flush()
        os._exit(code)


def train(opened: Sweep) -> None:
    opened.train(lambda name, place: ForkedRun(opened, name))


def refuse(capsys, *arguments) -> str:
    """`gm_pose sweep` with a mistake -> its one line."""
    from gm_pose.cli import build_parser

    args = build_parser('sweep').parse_args(['sweep', *map(str, arguments)])
    with pytest.raises(SystemExit) as end:
        sweep.run(args)
    assert end.value.code == 2
    (line,) = [
        line
        for line in capsys.readouterr().err.splitlines()
        if line.startswith('gm_pose: error: ')
    ]
    return line.removeprefix('gm_pose: error: ')
