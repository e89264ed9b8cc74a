"""A loss dump is data: whatever a stranger wrote into it, nothing of it is executed."""

import copy
import json

import pytest
import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmpose.registry import MODELS

from gm_pose.__main__ import main
from gm_pose.runs.resume.loss_dump import pack_loss_dump


@pytest.fixture
def dump(write_config):
    init_default_scope('mmpose')
    cfg = Config.fromfile(write_config())
    cfg.model.backbone.init_cfg = dict(type='Pretrained', checkpoint='x.json')
    return pack_loss_dump(MODELS.build(cfg.model), cfg, None, None)


def replay(dump, tmp_path, capsys) -> str:
    """What `replay-loss` says about a file that it refuses."""
    path = tmp_path / 'dump.pth'
    torch.save(dump, path)
    assert main(['replay-loss', str(path)]) == 2
    sentence = capsys.readouterr().err
    assert 'Traceback' not in sentence
    return sentence


def test_model_of_a_dump_is_plain_data_and_builds_the_model(dump):
    model = dump['meta']['model']
    assert json.loads(json.dumps(model))['head']['decoder']['input_size'] == [48, 64]
    assert 'init_cfg' not in model['backbone']
    init_default_scope('mmpose')
    MODELS.build(copy.deepcopy(model)).load_state_dict(dump['state_dict'])


def test_text_of_a_dump_is_not_executed(dump, tmp_path, capsys):
    touched = tmp_path / 'touched'
    text = f"open({str(touched)!r}, 'w').close()\nmodel = {dump['meta']['model']!r}\n"
    del dump['meta']['model']
    dump['meta']['cfg'] = text
    assert 'config as text' in replay(dump, tmp_path, capsys)
    assert not touched.exists()


@pytest.mark.parametrize('place', ['neck', 'backbone', 'decoder'])
@pytest.mark.parametrize('kind', ['os.mkdir', 'mmengine.mkdir_or_exist', 'mmpose.no'])
def test_function_in_place_of_a_part_is_not_called(kind, place, dump, tmp_path, capsys):
    made = tmp_path / 'made'
    model = dump['meta']['model']
    (model['head'] if place == 'decoder' else model)[place] = dict(
        type=kind, path=str(made)
    )
    sentence = replay(dump, tmp_path, capsys)
    assert f"{place}.type='{kind}' is not registered" in sentence
    assert not made.exists()


def test_config_file_in_a_dump_is_not_executed(dump, tmp_path, capsys):
    touched, path = tmp_path / 'touched', tmp_path / 'evil.py'
    path.write_text(f"open({str(touched)!r}, 'w').close()\n")
    dump['meta']['model']['metainfo'] = dict(from_file=str(path))
    assert 'names a config file' in replay(dump, tmp_path, capsys)
    assert not touched.exists()


@pytest.mark.parametrize('meta', [None, 'x', dict(kind='other')])
def test_file_that_is_no_dump_is_refused(meta, tmp_path, capsys):
    assert 'is no loss dump' in replay(dict(meta=meta), tmp_path, capsys)
