"""Import paths of the first builds: the same objects, with a warning."""

import importlib
import sys

import pytest

from gm_pose.moved_modules import MOVED, RENAMED

NAMES = [(old, name) for old, names in MOVED.items() for name in names]


@pytest.mark.parametrize(('old', 'name'), NAMES)
def test_old_path_gives_the_object_and_warns(old, name):
    module = importlib.import_module(old)
    now = RENAMED.get(name, name)
    with pytest.warns(DeprecationWarning, match=rf'{old}\.{name} is now .*\.{now};'):
        found = getattr(module, name)
    assert found is getattr(importlib.import_module(MOVED[old][name]), now)


def test_rooms_that_moved_are_attributes_of_the_package():
    importlib.import_module('gm_pose.engine.hooks')
    gm_pose = sys.modules['gm_pose']

    assert gm_pose.engine.hooks.__all__


def test_other_names_are_missing():
    with pytest.raises(ImportError, match='cannot import name'):
        from gm_pose.engine.hooks import NoSuchHook  # noqa: F401
    with pytest.raises(ModuleNotFoundError, match=r'gm_pose\.compat'):
        import gm_pose.compat  # noqa: F401
    assert not hasattr(importlib.import_module('gm_pose.datasets'), 'no_such_name')
