"""The examples in docstrings print what they say they print."""

import doctest
from importlib import import_module
from pkgutil import iter_modules

import pytest

import gm_pose.ops

MODULES = [
    *(f'gm_pose.ops.{module.name}' for module in iter_modules(gm_pose.ops.__path__)),
    'gm_pose.models.gaussian_mixture',
    'gm_pose.models.mixture_readout',
    'gm_pose.models.mixture_settings',
]


@pytest.mark.parametrize('name', MODULES)
def test_a_module_has_examples_and_they_run_as_printed(name):
    module = import_module(name)
    parts = [
        import_module(f'{name}.{part.name}')
        for part in iter_modules(getattr(module, '__path__', ()))
    ]
    results = [doctest.testmod(part) for part in (module, *parts)]
    assert sum(result.attempted for result in results)
    assert not sum(result.failed for result in results)
