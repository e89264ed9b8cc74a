"""A config in a checkpoint is values; anything else is refused, nothing is executed."""

from pathlib import Path

import pytest
from mmengine.config import Config

from gm_pose.inference.models.embedded_config import check_types, parse_config_text
from gm_pose.runs.user_errors import UserError

CONFIGS = Path(__file__).parents[2] / 'configs'


@pytest.mark.parametrize('is_formatted', [True, False])
def test_reads_what_mmengine_writes(is_formatted, monkeypatch):
    from mmengine.config import config as module

    if not is_formatted:
        monkeypatch.setattr(module, 'FormatCode', lambda text, **_: (text, True))
    cfg = Config.fromfile(CONFIGS / 'demo' / 'demo_gm_set2_synthetic.py')
    assert parse_config_text(cfg.pretty_text, 'x.pth') == cfg.to_dict()


def test_reads_numbers_of_every_kind():
    text = 'a = -1.5\nb = dict(c=float_max)\n'.replace('float_max', 'inf')
    assert parse_config_text(text, 'x.pth') == dict(a=-1.5, b=dict(c=float('inf')))


@pytest.mark.parametrize(
    'text',
    [
        'import os',
        "a = __import__('os').system('touch executed')",
        'exec("import os")',
        'a = [x for x in (1, 2)]',
        'a = dict(**{})',
        'a = open',
        "a = f'{1}'",
        'a = 1 if True else 2',
        'a.b = 1',
        'a = "' + 'x' * 2_000_001 + '"',
        'a = ' + '[' * 5000 + ']' * 5000,
        'a = {[]: 1}',
    ],
)
def test_refuses_what_is_no_plain_value(text, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(
        UserError, match=r'checkpoint x\.pth.*Fix: give the config file'
    ):
        parse_config_text(text, 'x.pth')
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    'kind', ['os.system', 'mmengine.dump', 'mmdet.apis.init_detector', 'antigravity', 3]
)
def test_refuses_a_type_that_is_no_registered_class(kind):
    model = dict(type='TopdownPoseEstimator', backbone=[dict(type=kind, x=1)])
    with pytest.raises(UserError, match='which is not registered'):
        check_types(model, 'x.pth')


def test_refuses_a_scope_that_would_be_imported():
    with pytest.raises(UserError, match=r"type='antigravity\.ResNet'"):
        check_types(dict(type='ResNet', _scope_='antigravity'), 'x.pth')


def test_accepts_registered_types_with_and_without_scope():
    check_types(
        dict(
            _scope_='mmpose',
            type='AlignedFlipTopdownPoseEstimator',
            neck=dict(type='mmpose.GaussianMixtureBlock'),
            backbone=dict(type='mmdet.CSPNeXt', norm_cfg=dict(type='BN')),
            head=dict(decoder=dict(type='JointAdaptiveMSRAHeatmap')),
        ),
        'x.pth',
    )
