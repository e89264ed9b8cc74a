"""Configs of other packages are found without reading their metafiles."""

import inspect

import mmengine.config.config
import mmengine.config.utils
import pytest
from mmengine.config import Config

import gm_pose  # noqa: F401, it changes the host

BASES = [
    'mmpose::_base_/default_runtime.py',
    'mmpose::body_2d_keypoint/topdown_heatmap/coco/td-hm_res50_8xb64-210e_coco-256x192.py',
]


@pytest.fixture
def metafiles(monkeypatch):
    """What MMEngine loads to find a config."""
    files = []

    def load(path, *args, **kwargs):
        files.append(str(path))
        return original(path, *args, **kwargs)

    original = mmengine.config.utils.load
    monkeypatch.setattr(mmengine.config.utils, 'load', load)
    return files


@pytest.mark.parametrize('base', BASES)
def test_same_file_as_mmengine_finds_and_no_metafile_read(base, metafiles, monkeypatch):
    found = Config._get_cfg_path(base, 'config.py')
    assert metafiles == []
    shortcut = mmengine.config.config._get_external_cfg_path
    monkeypatch.setattr(
        mmengine.config.config, '_get_external_cfg_path', inspect.unwrap(shortcut)
    )
    assert Config._get_cfg_path(base, 'config.py') == found
    assert len(metafiles) > 100


def test_missing_config_is_mmengine_s_error(metafiles):
    with pytest.raises(FileNotFoundError, match='no-such-config'):
        Config._get_cfg_path('mmpose::body_2d_keypoint/no-such-config.py', 'config.py')
    assert metafiles
