"""Tiny configs, training in child processes, refusals; fixtures are in conftest.py."""

import gc
import hashlib
import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.config import config as config_module
from mmengine.registry import init_default_scope
from mmengine.utils import ManagerMixin
from mmpose.registry import MODELS

ROOT = Path(__file__).parents[2]
TOOLS = ROOT / 'tools'
HERE = Path(__file__).parent

TINY = """
_base_ = ['{base}']
custom_imports = dict(imports=['gm_pose', 'tiny_components'])
codec = dict(_base_.codec, input_size=(48, 64), heatmap_size=(12, 16), sigmas=1.0)
model = dict(
    backbone=dict(_delete_=True, type='ResNet', depth=18, stem_channels=8,
                  base_channels=8, num_stages=1, strides=(1,), dilations=(1,),
                  out_indices=(0,)),
    neck=dict(type='NoisyNeck'),
    head=dict(in_channels=8, deconv_out_channels=None, deconv_kernel_sizes=None,
              decoder=codec),
)
train_pipeline = [
    dict(type='LoadImage'),
    dict(type='GetBBoxCenterScale'),
    dict(type='RandomFlip', direction='horizontal'),
    dict(type='RandomHalfBody'),
    dict(type='RandomBBoxTransform'),
    dict(type='TopdownAffine', input_size=codec['input_size']),
    dict(type='GenerateTarget', encoder=codec),
    dict(type='PackPoseInputs'),
]
val_pipeline = [
    dict(type='LoadImage'),
    dict(type='GetBBoxCenterScale'),
    dict(type='TopdownAffine', input_size=codec['input_size']),
    dict(type='PackPoseInputs'),
]
train_dataloader = dict(batch_size=4, num_workers=2, persistent_workers=True,
                        dataset=dict(pipeline=train_pipeline))
val_dataloader = dict(batch_size=4, num_workers=0, persistent_workers=False,
                      dataset=dict(bbox_file=None, pipeline=val_pipeline))
test_dataloader = val_dataloader
train_cfg = dict(max_epochs=3, val_interval=1)
param_scheduler = [
    dict(type='LinearLR', begin=0, end=5, start_factor=0.1, by_epoch=False),
    dict(type='MultiStepLR', milestones=[1, 2], gamma=0.5, by_epoch=True),
]
default_hooks = dict(checkpoint=dict(interval=1, max_keep_ckpts=2),
                     logger=dict(interval=1))
custom_hooks = [dict(type='SyncBuffersHook')]
randomness = dict(seed=3)
fast_lane = None
"""
NO_VALIDATION = 'val_cfg = val_dataloader = val_evaluator = None\n'


@dataclass
class Ended:
    """How a child process ended: its exit code (-N: signal N) and what it printed."""

    code: int
    output: str
    seconds: float

    @property
    def tail(self) -> str:
        """The end of the output, for a failing test's message."""
        return self.output[-3000:]

    @property
    def sentence(self) -> str:
        """The last line, where a `UserError` stands."""
        return self.output.strip().splitlines()[-1]


def forget_runs(kind: type) -> None:
    """Empty MMEngine's lists of loggers, visualizers and the like, one for each class."""
    for cls in kind.__subclasses__():
        cls._instance_dict.clear()
        forget_runs(cls)


def run_child(task: Callable[[], None], log: Path, timeout: float = 120) -> Ended:
    """Run `task` in a fork of this process, which has everything imported already."""
    return wait_for_child(start_child(task, log), log, timeout)


def start_child(task: Callable[[], None], log: Path) -> int:
    """Start what `run_child` runs -> its process.

    Only ever by the main thread: on Python 3.13 a fork by another one may not come back.
    """
    pid = os.fork()
    if pid == 0:
        code = 70
        try:
            os.setsid()  # its data loader's workers die with it at a timeout
            descriptor = os.open(log, os.O_CREAT | os.O_WRONLY | os.O_APPEND)
            for stream in (1, 2):
                os.dup2(descriptor, stream)
            sys.stdout = os.fdopen(1, 'w', buffering=1, closefd=False)
            sys.stderr = os.fdopen(2, 'w', buffering=1, closefd=False)
            torch.set_num_threads(1)  # OpenMP's threads do not survive a fork
            gc.freeze()  # MMEngine collects garbage often, and all of this is used
            forget_runs(ManagerMixin)
            # MMEngine formats the config's text with yapf at every save: 1 s each time.
            config_module.FormatCode = lambda text, **_: (text, True)
            try:
                task()
                code = 0
            except SystemExit as end:
                code = end.code if isinstance(end.code, int) else int(bool(end.code))
            except BaseException:
                import traceback

                traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)
    return pid


def wait_for_child(pid: int, log: Path, timeout: float = 120) -> Ended:
    """Wait until a child of `start_child` ends."""
    began = time.monotonic()
    while time.monotonic() - began < timeout:
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            break
        time.sleep(0.05)
    else:
        os.killpg(pid, 9)
        os.waitpid(pid, 0)
        pytest.fail(f'still running after {timeout} s:\n{log.read_text()[-4000:]}')
    code = os.waitstatus_to_exitcode(status)
    return Ended(code, log.read_text(), time.monotonic() - began)


def hash_weights(path: Path) -> str:
    """SHA-256 over a checkpoint's weights, byte for byte."""
    weights = torch.load(path, weights_only=False)['state_dict']
    digest = hashlib.sha256()
    for name, value in sorted(weights.items()):
        digest.update(name.encode() + value.contiguous().numpy().tobytes())
    return digest.hexdigest()


def refuse(capsys, main, arguments, tmp_path) -> str:
    """Run a tool that must refuse -> its one error line; nothing may have been written."""
    before = sorted(str(path) for path in tmp_path.rglob('*'))
    with pytest.raises(SystemExit) as end:
        main([str(argument) for argument in arguments])
    assert end.value.code == 2
    lines = capsys.readouterr().err.strip().splitlines()
    errors = [line for line in lines if line.startswith('gm_pose: error: ')]
    assert len(errors) == 1, errors  # one fault is reported once
    sentence = lines[-1]
    assert sentence == errors[0]
    assert 'Traceback' not in '\n'.join(lines)
    assert sorted(str(path) for path in tmp_path.rglob('*')) == before
    return sentence


def save_checkpoint(config: Path, path: Path, change=None) -> None:
    """A checkpoint as training would write it, from the config's own model."""
    init_default_scope('mmpose')
    cfg = Config.fromfile(config)
    model = MODELS.build(cfg.model)
    checkpoint = dict(
        meta=dict(epoch=1, iter=6, seed=3),
        state_dict=model.state_dict(),
        optimizer={},
        message_hub={},
    )
    if change is not None:
        change(checkpoint)
    torch.save(checkpoint, path)
