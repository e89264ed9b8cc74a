"""A dump of predictions is read as data; a pickle that is more is refused."""

import os
import pickle

import numpy as np
import pytest
import torch

from gm_pose.report.reading.safe_dump import read_dump
from gm_pose.runs.user_errors import UserError

SAMPLE = dict(
    id=np.int64(3),
    img_path='a.jpg',
    input_size=(192, 256),
    pred_instances=dict(
        keypoints=np.arange(8.0, dtype=np.float32).reshape(1, 4, 2),
        heatmaps=torch.arange(6.0).reshape(2, 3).t(),
        score=np.float32(0.5),
    ),
)


def write(path, value, protocol=2):
    path.write_bytes(pickle.dumps(value, protocol=protocol))
    return str(path)


@pytest.mark.parametrize('protocol', [2, 4, 5])
def test_arrays_numbers_and_tensors_are_read(tmp_path, protocol):
    (sample,) = read_dump(write(tmp_path / 'a.pkl', [SAMPLE], protocol))
    assert sample['id'] == 3
    assert sample['input_size'] == (192, 256)
    found = sample['pred_instances']
    assert (found['keypoints'] == SAMPLE['pred_instances']['keypoints']).all()
    assert found['keypoints'].dtype == np.float32
    assert found['heatmaps'].tolist() == [[0, 3], [1, 4], [2, 5]]
    assert found['score'] == 0.5


class Runs:
    """Unpickled by calling something."""

    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


@pytest.mark.parametrize(
    ('value', 'name'),
    [
        (Runs(os.system, 'touch owned'), 'system'),
        (Runs(eval, "open('owned', 'w')"), 'eval'),
        (Runs(getattr, SAMPLE, 'keys'), 'getattr'),
        (Runs(torch.load, 'other.pth'), 'load'),
        (Runs(np.ndarray, (1,), 'O', b'AAAAAAAA'), 'buffer'),
        (np.array([SAMPLE], object), 'object'),
    ],
)
@pytest.mark.parametrize('protocol', [2, 4])
def test_pickle_that_calls_is_refused(tmp_path, monkeypatch, value, name, protocol):
    monkeypatch.chdir(tmp_path)
    sample = dict(pred_instances=dict(keypoints=value))
    path = write(tmp_path / 'evil.pkl', [sample], protocol)
    with pytest.raises(UserError, match=r'evil\.pkl') as error:
        read_dump(path)
    assert name in str(error.value) or 'dtype' in str(error.value)
    assert 'Fix: ' in str(error.value)
    assert not (tmp_path / 'owned').exists()


def test_pickle_inside_a_tensor_is_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    inner = pickle.dumps(Runs(os.system, 'touch owned'))
    evil = Runs(torch.storage._load_from_bytes, inner)
    with pytest.raises(UserError, match=r'evil\.pkl'):
        read_dump(write(tmp_path / 'evil.pkl', [dict(pred_instances={'k': evil})]))
    assert not (tmp_path / 'owned').exists()


@pytest.mark.parametrize(
    ('content', 'text'),
    [
        (b'', 'damaged'),
        (b'no pickle at all', 'damaged'),
        (pickle.dumps([SAMPLE])[:-40], 'damaged'),
        (pickle.dumps({'AP': 1}), 'no list of samples'),
        (pickle.dumps([1, 2]), 'no list of samples'),
        (pickle.dumps([]), 'no predictions'),
    ],
)
def test_file_that_is_no_dump_is_named(tmp_path, content, text):
    path = tmp_path / 'x.pkl'
    path.write_bytes(content)
    with pytest.raises(UserError, match=text) as error:
        read_dump(str(path))
    assert str(path) in str(error.value)


def test_missing_file_is_named(tmp_path):
    with pytest.raises(UserError, match='cannot be read'):
        read_dump(str(tmp_path / 'none.pkl'))
