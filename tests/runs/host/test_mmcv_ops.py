"""The stand-in for mmcv's compiled operators."""

import importlib.machinery
import importlib.util
import sys

import pytest

from gm_pose.runs.host import mmcv_ops


@pytest.fixture
def stand_in(monkeypatch):
    """`mmcv.ops` as it is without compiled operators, whatever is installed."""
    for name in [n for n in sys.modules if n.startswith('mmcv.ops')]:
        monkeypatch.delitem(sys.modules, name)
    others = [f for f in sys.meta_path if not isinstance(f, mmcv_ops._MissingOpsFinder)]
    monkeypatch.setattr(sys, 'meta_path', others)
    monkeypatch.setattr(mmcv_ops, 'has_compiled_ops', lambda: False)
    mmcv_ops.install_finder()
    yield importlib.import_module('mmcv.ops')
    for name in [n for n in sys.modules if n.startswith('mmcv.ops')]:
        del sys.modules[name]


def test_models_of_mmpose_import_with_what_is_installed():
    from mmpose.models import TopdownPoseEstimator

    assert TopdownPoseEstimator.__name__ == 'TopdownPoseEstimator'


def test_any_operator_and_submodule_imports(stand_in):
    from mmcv.ops import DeformConv2d, MaskedConv2d
    from mmcv.ops.multi_scale_deform_attn import MultiScaleDeformableAttention

    assert DeformConv2d.__name__ == 'DeformConv2d'
    assert stand_in.MaskedConv2d is MaskedConv2d
    assert MultiScaleDeformableAttention.__module__ == 'mmcv.ops'


@pytest.mark.parametrize('arguments', [(), (1, 2)])
def test_use_of_an_operator_says_what_is_missing(stand_in, arguments):
    with pytest.raises(
        ImportError, match=r'mmcv\.ops\.CornerPool needs .* install mmcv \(not'
    ):
        stand_in.CornerPool(*arguments)


def test_operator_serves_as_base_class_and_in_isinstance(stand_in):
    class Mine(stand_in.DeformConv2d):
        def __init__(self):
            pass  # does not call the operator's

    assert not isinstance(3, stand_in.DeformConv2d)
    assert issubclass(Mine, stand_in.DeformConv2d)
    with pytest.raises(ImportError, match=r'mmcv\.ops\.DeformConv2d needs'):
        Mine()


def test_private_names_are_missing(stand_in):
    """Or inspection (doctest, pickle, copy) would take the module for something else."""
    assert not hasattr(stand_in, '__wrapped__')
    assert not hasattr(stand_in, '_private')


def test_install_twice_is_once(stand_in):
    before = list(sys.meta_path)
    mmcv_ops.install_finder()
    assert sys.meta_path == before


def test_nothing_is_done_with_compiled_operators(monkeypatch):
    finder = mmcv_ops._MissingOpsFinder()
    assert finder.find_spec('mmcv.ops.nms') is not None or mmcv_ops.has_compiled_ops()
    spec = importlib.machinery.ModuleSpec('mmcv._ext', loader=None)
    monkeypatch.setattr(importlib.util, 'find_spec', lambda name: spec)
    monkeypatch.setitem(sys.modules, 'mmcv._ext', object())
    assert finder.find_spec('mmcv.ops') is None
    assert finder.find_spec('mmcv.ops.nms') is None
    mmcv_ops.check_compiled_ops()


def test_a_search_for_the_operators_imports_nothing_but_mmcv(stand_in, monkeypatch):
    for name in [n for n in sys.modules if n.startswith('mmcv.ops')]:
        monkeypatch.delitem(sys.modules, name)
    assert importlib.util.find_spec('mmcv.ops') is not None
    assert not [n for n in sys.modules if n.startswith('mmcv.ops')]


def test_operators_of_another_pytorch_are_one_sentence(monkeypatch):
    def fail(name):
        raise ImportError('_ext.so: undefined symbol: _ZN2at4cuda\nmore')

    monkeypatch.setattr(importlib.util, 'find_spec', lambda name: object())
    monkeypatch.setattr(importlib, 'import_module', fail)
    with pytest.raises(ImportError, match=r'do not load .*undefined symbol.*mmcv-lite'):
        mmcv_ops.check_compiled_ops()
