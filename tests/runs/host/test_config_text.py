"""A config's text is formatted once, and again when the config has changed."""

import importlib

import mmengine.config.config
import pytest
from mmengine.config import Config
from yapf.yapflib.yapf_api import FormatCode

import gm_pose  # noqa: F401, it changes the host
from gm_pose.runs.host.config_text import install_memory


@pytest.fixture
def calls(monkeypatch):
    """Texts that yapf formats."""
    texts = []

    def format_code(text, **options):
        texts.append(text)
        return FormatCode(text, **options)

    monkeypatch.setattr(mmengine.config.config, 'FormatCode', format_code)
    install_memory(mmengine.config.config)
    return texts


def test_same_config_is_formatted_once(calls, tmp_path):
    cfg = Config(dict(model=dict(type='A', sizes=[1, 2])))
    text = cfg.pretty_text
    assert cfg.pretty_text == text
    cfg.dump(tmp_path / 'a.py')
    assert (tmp_path / 'a.py').read_text() == text
    assert len(calls) == 1
    assert (
        text == "model = dict(\n    sizes=[\n        1,\n        2,\n    ], type='A')\n"
    )


def test_changed_config_is_formatted_anew(calls):
    cfg = Config(dict(model=dict(type='A')))
    before = cfg.pretty_text
    cfg.model.type = 'B'
    assert cfg.pretty_text == before.replace("'A'", "'B'")
    assert len(calls) == 2


def test_a_run_of_the_package_has_it():
    importlib.import_module('mmengine.config.config')
    cfg = Config(dict(a=1))
    assert cfg.pretty_text == 'a = 1\n'
    assert hasattr(mmengine.config.config.FormatCode, '__wrapped__')
