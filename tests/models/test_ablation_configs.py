"""The merged ablation configs differ from their row in what their names say."""

from pathlib import Path

import pytest
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmpose.registry import MODELS

import gm_pose  # noqa: F401

CONFIGS = Path(__file__).parents[2] / 'configs'
BLOCK = dict(type='GaussianMixtureBlock', in_channels=2048)
ABLATIONS = {
    'gm_one_sigma_set2_res50_coco': BLOCK | dict(num_components=1),
    'gm_fixed_sigmas_set2_res50_coco': BLOCK | dict(learn_sigmas=False),
    'gm_no_softmax_set2_res50_coco': BLOCK | dict(mixing='uniform'),
    'gm_grouped_set2_res50_coco': BLOCK | dict(num_groups=16),
    'gm_after_deconvs_set2_res50_coco': None,
}


def read_model(path: Path) -> dict:
    return Config.fromfile(path).model.to_dict()


def test_every_ablation_file_is_known():
    names = {path.stem for path in (CONFIGS / 'gm_ablations').glob('*.py')}
    assert names == set(ABLATIONS)


@pytest.mark.parametrize('name', ABLATIONS)
def test_ablation_changes_only_its_own_setting_and_builds(name):
    model = read_model(CONFIGS / 'gm_ablations' / f'{name}.py')
    base = read_model(CONFIGS / 'gm_set2_res50_coco.py')
    assert base['neck'] == BLOCK
    assert model.get('neck') == ABLATIONS[name]
    if ABLATIONS[name] is None:
        assert model['head'].pop('type') == 'GaussianMixtureHead'
        assert base['head'].pop('type') == 'HeatmapHead'
    for part in ('backbone', 'head', 'test_cfg', 'data_preprocessor'):
        assert model[part] == base[part], part

    model = read_model(CONFIGS / 'gm_ablations' / f'{name}.py')
    model['backbone'].update(depth=18, init_cfg=None)  # fast to build
    init_default_scope('mmpose')
    MODELS.build(model)
