"""Functions called around somebody else's import, on packages made for each test."""

import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import inspect
import sys
import threading
import zipfile
from pathlib import Path

import pytest

from gm_pose.runs.host.import_hooks import (
    _ImportHook,
    call_after_import,
    call_before_import,
)


@pytest.fixture(autouse=True)
def _own_hook(monkeypatch, tmp_path):
    """A hook of the test's own, and what the test imports forgotten at its end."""
    finders = [f for f in sys.meta_path if not isinstance(f, _ImportHook)]
    monkeypatch.setattr(sys, 'meta_path', finders)
    monkeypatch.syspath_prepend(str(tmp_path))
    before = set(sys.modules)
    yield
    for name in set(sys.modules) - before:
        if name.startswith('hosted'):
            del sys.modules[name]


def write_module(folder: Path, name: str = 'hosted', text: str = 'VALUE = 1\n') -> str:
    (folder / f'{name}.py').write_text(text)
    importlib.invalidate_caches()
    return name


def test_functions_run_around_the_execution(tmp_path):
    name = write_module(
        tmp_path, text='import sys\nsys.hosted_calls.append("module")\n'
    )
    sys.hosted_calls = calls = []
    try:
        call_before_import(name, lambda: calls.append('before'))
        call_after_import(name, lambda module: calls.append(module.__name__))
        importlib.import_module(name)
    finally:
        del sys.hosted_calls
    assert calls == ['before', 'module', 'hosted']


def test_a_search_without_import_calls_nothing(tmp_path):
    name, calls = write_module(tmp_path), []
    call_before_import(name, lambda: calls.append('before'))
    call_after_import(name, lambda module: calls.append('after'))
    for _ in range(2):
        spec = importlib.util.find_spec(name)
        assert Path(spec.origin) == tmp_path / 'hosted.py'
        assert spec.loader.get_source(name) == 'VALUE = 1\n'
    assert calls == []
    importlib.import_module(name)
    assert calls == ['before', 'after']


def test_a_missing_module_stays_missing():
    call_before_import('hosted_nowhere', lambda: pytest.fail('called'))
    assert importlib.util.find_spec('hosted_nowhere') is None
    with pytest.raises(ModuleNotFoundError, match="No module named 'hosted_nowhere'"):
        importlib.import_module('hosted_nowhere')


def test_functions_run_now_where_the_module_is_imported_already(tmp_path):
    name, calls = write_module(tmp_path), []
    module = importlib.import_module(name)
    call_before_import(name, lambda: calls.append('before'))
    call_after_import(name, calls.append)
    assert calls == ['before', module]


def test_reload_calls_what_follows_the_import_again(tmp_path):
    """Reloading undoes what the function changed: safe loading would silently end."""
    name = write_module(tmp_path)
    calls = []
    call_before_import(name, lambda: calls.append('before'))
    call_after_import(name, lambda module: setattr(module, 'VALUE', 2))
    module = importlib.import_module(name)
    assert module.VALUE == 2
    assert importlib.reload(module).VALUE == 2
    assert calls == ['before']


def test_function_that_waits_already_is_called_once(tmp_path):
    """The start-up file and `import gm_pose` both arrange the host."""
    name = write_module(tmp_path)
    calls = []
    note = calls.append
    call_after_import(name, note)
    call_after_import(name, note)
    module = importlib.import_module(name)
    call_after_import(name, note)
    assert calls == [module]
    importlib.reload(module)
    assert calls == [module, module]


def test_reload_of_a_module_imported_before(tmp_path):
    name = write_module(tmp_path)
    module = importlib.import_module(name)
    call_after_import(name, lambda module: setattr(module, 'VALUE', 2))
    assert importlib.reload(module).VALUE == 2


def test_a_failing_function_ends_the_import_and_is_called_again(tmp_path):
    name, calls = write_module(tmp_path), []

    def refuse():
        calls.append('before')
        if len(calls) == 1:
            raise ImportError('unsupported version')

    call_before_import(name, refuse)
    with pytest.raises(ImportError, match='unsupported version'):
        importlib.import_module(name)
    assert name not in sys.modules
    importlib.import_module(name)
    assert calls == ['before'] * 2


def test_the_module_has_its_real_loader(tmp_path):
    """inspect, importlib.resources and pickle look at it."""
    name = write_module(tmp_path)
    call_after_import(name, lambda module: None)
    module = importlib.import_module(name)
    assert type(module.__loader__) is importlib.machinery.SourceFileLoader
    assert module.__spec__.loader is module.__loader__
    assert inspect.getsource(module) == 'VALUE = 1\n'


def test_other_modules_of_a_zip_file_are_left_alone(tmp_path):
    """One loader serves all of them."""
    with zipfile.ZipFile(tmp_path / 'all.zip', 'w') as archive:
        archive.writestr('hosted_a.py', 'VALUE = 1\n')
        archive.writestr('hosted_b.py', 'VALUE = 1\n')
    sys.path.insert(0, str(tmp_path / 'all.zip'))
    try:
        call_after_import('hosted_a', lambda module: setattr(module, 'VALUE', 2))
        assert importlib.import_module('hosted_a').VALUE == 2
        assert importlib.import_module('hosted_b').VALUE == 1
    finally:
        sys.path.remove(str(tmp_path / 'all.zip'))


def test_a_namespace_package_has_nothing_to_run_around(tmp_path):
    (tmp_path / 'hosted').mkdir()
    write_module(tmp_path / 'hosted', 'part')
    call_before_import('hosted', lambda: pytest.fail('called'))
    call_after_import('hosted', lambda module: pytest.fail('called'))
    assert importlib.import_module('hosted.part').VALUE == 1


def test_a_submodule_is_found_below_its_parent(tmp_path):
    (tmp_path / 'hosted').mkdir()
    (tmp_path / 'hosted' / '__init__.py').touch()
    write_module(tmp_path / 'hosted', 'part')
    call_after_import('hosted.part', lambda module: setattr(module, 'VALUE', 2))
    assert importlib.import_module('hosted.part').VALUE == 2


def test_a_loader_without_exec_module_still_loads(monkeypatch):
    class Finder(importlib.abc.MetaPathFinder):
        def find_spec(self, fullname, path=None, target=None):
            if fullname == 'hosted_old':
                return importlib.machinery.ModuleSpec(fullname, loader)

    class Loader:
        def load_module(self, fullname):
            module = sys.modules[fullname] = type(sys)(fullname)
            return module

    loader = Loader()
    sys.meta_path.append(Finder())
    call_after_import('hosted_old', lambda module: None)
    spec = importlib.util.find_spec('hosted_old')
    assert spec.loader is loader
    if sys.version_info < (3, 15):  # Python ends that protocol there
        assert importlib.import_module('hosted_old').__name__ == 'hosted_old'


def test_many_threads_import_once(tmp_path):
    name = write_module(tmp_path, text='import time\ntime.sleep(0.05)\n')
    calls = []
    call_before_import(name, lambda: calls.append('before'))
    call_after_import(name, lambda module: calls.append('after'))
    threads = [
        threading.Thread(target=importlib.import_module, args=(name,)) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert calls == ['before', 'after']


def test_another_hook_in_front_is_asked_once(tmp_path):
    """As wrapt and beartype do it: theirs asks `find_spec`, so all finders, again."""
    name, asked = write_module(tmp_path), []

    class Other(importlib.abc.MetaPathFinder):
        is_searching = False

        def find_spec(self, fullname, path=None, target=None):
            if self.is_searching or not fullname.startswith('hosted'):
                return None
            asked.append(fullname)
            self.is_searching = True
            try:
                return importlib.util.find_spec(fullname)
            finally:
                self.is_searching = False

    call_after_import(name, lambda module: setattr(module, 'VALUE', 2))
    sys.meta_path.insert(0, Other())
    assert importlib.import_module(name).VALUE == 2
    assert asked == [name]
