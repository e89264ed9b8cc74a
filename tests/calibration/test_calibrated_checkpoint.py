"""A calibration in a copy of a checkpoint: whole, or the old file."""

import os
from pathlib import Path

import pytest
import torch

from gm_pose.calibration.calibrated_checkpoint import name_calibrated, write_calibrated
from gm_pose.ops.uncertainty import META_KEY, Calibration

CALIBRATION = Calibration.neutral(3)


def write(path: Path, content) -> Path:
    torch.save(content, path)
    return path


def read(path: Path):
    return torch.load(path, weights_only=True)


def test_all_else_of_a_checkpoint_stays(tmp_path):
    content = dict(
        meta=dict(cfg='model = 1', epoch=3),
        state_dict=dict(weight=torch.arange(3.0)),
        optimizer=dict(state={0: dict(step=torch.tensor(2.0))}),
    )
    path = write(tmp_path / 'epoch_3.pth', content)
    out = name_calibrated(path)
    write_calibrated(path, CALIBRATION, out, 'model = 2')
    found = read(out)
    assert out.name == 'epoch_3_calibrated.pth'
    assert found['meta'] == {**content['meta'], META_KEY: CALIBRATION.to_dict()}
    assert torch.equal(found['state_dict']['weight'], torch.arange(3.0))
    assert found['optimizer']['state'][0]['step'] == 2
    assert META_KEY not in read(path)['meta']
    assert sorted(os.listdir(tmp_path)) == ['epoch_3.pth', 'epoch_3_calibrated.pth']


def test_weights_alone_get_a_meta_with_the_config(tmp_path):
    path = write(tmp_path / 'weights.pth', dict(weight=torch.ones(2)))
    write_calibrated(path, CALIBRATION, path, 'model = 2')
    found = read(path)
    assert found['meta'] == {'cfg': 'model = 2', META_KEY: CALIBRATION.to_dict()}
    assert torch.equal(found['state_dict']['weight'], torch.ones(2))


def test_a_full_disk_leaves_the_old_file(tmp_path, monkeypatch):
    path = write(tmp_path / 'epoch_3.pth', dict(meta={}, state_dict={}))
    before = path.read_bytes()

    def fail(*_):
        raise OSError(28, 'No space left on device')

    monkeypatch.setattr(os, 'fsync', fail)
    with pytest.raises(OSError, match='No space'):
        write_calibrated(path, CALIBRATION, path, '')
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ['epoch_3.pth']
