"""Each fault that the doctor knows is provoked, and the doctor names what mends it."""

import importlib.machinery
import os
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest
import torch

from gm_pose.cli import main
from gm_pose.runs.doctor import binaries, machine, packages, training
from gm_pose.runs.doctor.diagnose import diagnose, get_checks
from gm_pose.runs.doctor.diagnosis import FAULT, OK, WARNING, Diagnosis

ROOT = Path(__file__).parents[3]


@pytest.fixture
def install(tmp_path, monkeypatch):
    """install(name, version, requires, files): a distribution, before all others."""
    monkeypatch.syspath_prepend(str(tmp_path))

    def make(name, version, requires=(), files=()):
        folder = tmp_path / f'{name.replace("-", "_")}-{version}.dist-info'
        folder.mkdir()
        lines = [f'Name: {name}', f'Version: {version}']
        lines += [f'Requires-Dist: {text}' for text in requires]
        (folder / 'METADATA').write_text('\n'.join(['Metadata-Version: 2.1', *lines]))
        for file in files:  # Python 3.12 lists those that exist
            (tmp_path / file).parent.mkdir(exist_ok=True)
            (tmp_path / file).touch()
        (folder / 'RECORD').write_text(''.join(f'{file},,\n' for file in files))

    return make


@pytest.fixture
def uninstall(monkeypatch):
    """uninstall(*names): their metadata and their modules cannot be found any more."""

    def hide(*names):
        version, find_spec = metadata.version, binaries.importlib.util.find_spec

        def version_of_others(name):
            if name in names:
                raise metadata.PackageNotFoundError(name)
            return version(name)

        def find_others(name, package=None):
            return None if name.split('.')[0] in names else find_spec(name, package)

        monkeypatch.setattr(packages.metadata, 'version', version_of_others)
        monkeypatch.setattr(binaries.importlib.util, 'find_spec', find_others)

    return hide


@pytest.fixture
def break_import(monkeypatch):
    """break_import(name, error): importing the module raises, as a wrong binary does."""

    def set_error(name, error):
        import_module = binaries.importlib.import_module

        def import_or_raise(wanted, package=None):
            if wanted == name:
                raise error
            return import_module(wanted, package)

        monkeypatch.setattr(binaries.importlib, 'import_module', import_or_raise)

    return set_error


def assert_found(diagnosis: Diagnosis, state: str, text: str, remedy: str) -> None:
    assert diagnosis.state == state
    assert text in diagnosis.text
    assert remedy in diagnosis.remedy
    assert '\n' not in diagnosis.format('name')


def test_sound_environment_has_no_fault():
    """The environment that the tests run in; warnings depend on the machine."""
    found = dict(diagnose())
    assert list(found) == list(get_checks())
    assert [name for name, d in found.items() if d.state == FAULT] == []
    assert all(d.remedy for d in found.values() if d.state != OK)


def test_python():
    for version in ((3, 9), (3, 14)):
        assert_found(packages.check_python(version), FAULT, 'supported', 'PYTHON=')
    assert packages.check_python((3, 13)).state == OK


@pytest.mark.parametrize(
    ('name', 'version', 'remedy'),
    [
        ('torch', '1.13.1', 'torch>=2.6'),
        ('numpy', '3.0', 'numpy>='),
        ('mmengine', '0.9.0', 'mmengine>='),
        ('mmpose', '0.29.0', 'mmpose>='),
        ('mmdet', '3.2.0', 'mmdet>='),
    ],
)
def test_version_outside_its_range(name, version, remedy, install):
    install(name, version)
    found = packages.check_host_packages()
    assert_found(found, FAULT, f'{name} {version} is not', f'pip install "{remedy}')


def test_mmcv_of_a_refused_version(install, uninstall):
    uninstall('mmcv')
    install('mmcv-lite', '2.2.0')
    found = packages.check_host_packages()
    assert_found(found, FAULT, 'mmcv-lite 2.2.0', 'pip install "mmcv-lite')


def test_missing_packages_are_told_all_at_once(uninstall):
    uninstall('mmdet', 'mmpose')
    found = packages.check_host_packages()
    assert_found(found, FAULT, 'mmdet is missing', 'mmpose')
    assert_found(packages.check_mmdet(), FAULT, 'missing', 'pip install mmdet==3.3.0')


def test_missing_dependency_as_chumpy(uninstall):
    uninstall('chumpy')
    found = packages.check_dependencies()
    assert_found(found, WARNING, 'mmpose needs chumpy', 'requirements/stack.txt')


def test_openxlab_that_pins_an_old_setuptools(install):
    install('openxlab', '0.1.2', requires=['setuptools~=60.2.0'])
    found = packages.check_dependencies()
    assert_found(found, WARNING, 'openxlab needs setuptools~=60.2.0', 'stack.txt')


def test_binary_of_another_numpy(break_import):
    break_import('pycocotools.mask', ValueError('numpy.dtype size changed'))
    found = binaries.check_numpy_binaries()
    assert_found(found, FAULT, 'pycocotools.mask (numpy.dtype size changed)', 'pip')


def test_xtcocotools_binary_of_another_numpy(break_import, monkeypatch):
    spec = importlib.machinery.ModuleSpec('xtcocotools', None, origin='x.so')
    find_spec = binaries.importlib.util.find_spec
    monkeypatch.setattr(
        binaries.importlib.util,
        'find_spec',
        lambda name, package=None: spec if name == 'xtcocotools' else find_spec(name),
    )
    break_import('xtcocotools.mask', ValueError('numpy.dtype size changed'))
    found = binaries.check_xtcocotools()
    assert_found(found, FAULT, 'does not load with numpy', 'uninstall -y xtcocotools')


def test_no_evaluator_at_all(uninstall):
    uninstall('xtcocotools', 'pycocotools')
    assert_found(binaries.check_xtcocotools(), FAULT, 'neither', 'install pycocotools')
    assert dict(diagnose())['xtcocotools'].state == FAULT


def test_xtcocotools_may_be_missing(uninstall):
    uninstall('xtcocotools')
    assert binaries.check_xtcocotools().state == OK


def test_no_mmcv(uninstall):
    uninstall('mmcv', 'mmcv-lite')
    assert_found(binaries.check_mmcv(), FAULT, 'neither mmcv', 'mmcv-lite==2.1.0')


def test_mmcv_twice(install):
    install('mmcv', '2.1.0')
    install('mmcv-lite', '2.1.0')
    assert_found(binaries.check_mmcv(), FAULT, 'share one folder', 'pip uninstall')


def test_mmcv_operators_built_for_another_torch(break_import, monkeypatch):
    spec = importlib.machinery.ModuleSpec('mmcv._ext', None, origin='_ext.so')
    monkeypatch.setattr(
        binaries.importlib.util, 'find_spec', lambda name, package=None: spec
    )
    break_import('mmcv._ext', ImportError('undefined symbol: _ZN2at'))
    found = binaries.check_mmcv()
    assert_found(found, FAULT, 'undefined symbol', 'mmcv-lite==2.1.0')


def test_setuptools_without_pkg_resources(uninstall):
    uninstall('pkg_resources')
    found = packages.check_setuptools()
    assert_found(found, FAULT, 'without pkg_resources', '"setuptools<81"')


def test_two_opencvs(install):
    for name in ('opencv-python', 'opencv-python-headless'):
        install(name, '4.11.0', files=['cv2/version.py'])
    found = binaries.check_opencv_packages()
    assert_found(found, WARNING, 'overwrite each other', 'pip uninstall')


def test_no_opencv(uninstall, monkeypatch):
    uninstall('cv2')
    found = binaries.check_opencv_packages()
    assert_found(found, FAULT, 'missing', 'opencv-python-headless')


def test_models_that_cannot_be_imported(monkeypatch):
    from mmpose.registry import KEYPOINT_CODECS

    def refuse(name):
        raise ImportError('gm_pose supports mmcv <2.2')

    monkeypatch.setattr(KEYPOINT_CODECS, 'get', refuse)
    found = training.check_models()
    assert_found(found, FAULT, 'gm_pose supports mmcv <2.2', 'pip install')


def test_part_that_is_not_registered(monkeypatch):
    from mmpose.registry import KEYPOINT_CODECS

    monkeypatch.delitem(KEYPOINT_CODECS._module_dict, 'JointAdaptiveMSRAHeatmap')
    found = training.check_models()
    assert_found(found, FAULT, 'JointAdaptiveMSRAHeatmap', 'pip install .')


def test_mim_does_not_find_the_package(install):
    found = training.check_mim('a_package_that_is_not_there')
    assert_found(found, WARNING, 'not installed', 'pip install .')
    install('editable', '1.0')
    found = training.check_mim('editable')
    assert_found(found, WARNING, '`mim train editable` fails', 'pip install .')


def test_mim_finds_the_package(install, tmp_path):
    install('whole', '1.0')
    script = tmp_path / 'whole' / '.mim' / 'tools' / 'train.py'
    script.parent.mkdir(parents=True)
    script.touch()
    assert training.check_mim('whole').state == OK


def test_openmim_is_missing(monkeypatch):
    monkeypatch.setattr(training.util, 'find_spec', lambda name: None)
    assert_found(training.check_mim(), WARNING, 'openmim is missing', 'pip install')


def test_checkpoints_that_cannot_be_read(monkeypatch):
    from mmengine.runner import checkpoint

    def refuse(*args, **kwargs):
        raise ValueError('Weights only load failed')

    monkeypatch.setattr(checkpoint, '_load_checkpoint', refuse)
    found = training.check_checkpoints()
    assert_found(found, FAULT, 'Weights only load failed', 'pip install')


def test_checkpoints_that_run_code(monkeypatch):
    from mmengine.runner import checkpoint

    def load(path, *args, **kwargs):
        return torch.load(path, weights_only=False)

    monkeypatch.setattr(checkpoint, '_load_checkpoint', load)
    found = training.check_checkpoints()
    assert_found(found, WARNING, 'carries code would be run', 'torch>=2.6')


def test_no_backend_for_processes(monkeypatch):
    monkeypatch.setattr(torch.distributed, 'is_gloo_available', lambda: False)
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: False)
    assert_found(training.check_processes(), WARNING, 'one process only', 'pip')
    monkeypatch.setattr(torch.distributed, 'is_available', lambda: False)
    assert_found(training.check_processes(), WARNING, 'no torch.distributed', 'pip')


def test_gpu_that_torch_does_not_see(tmp_path, monkeypatch):
    (tmp_path / 'nvidia0').touch()
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: False)
    monkeypatch.delenv('CUDA_VISIBLE_DEVICES', raising=False)
    found = machine.check_gpu(str(tmp_path / 'nvidia*'))
    assert_found(found, FAULT, 'does not see it', 'nvidia-smi')
    monkeypatch.setenv('CUDA_VISIBLE_DEVICES', '')
    found = machine.check_gpu(str(tmp_path / 'nvidia*'))
    assert_found(found, WARNING, 'hidden', 'unset CUDA_VISIBLE_DEVICES')


def test_more_threads_than_cpus():
    import cv2

    before = cv2.getNumThreads(), torch.get_num_threads()
    try:
        cv2.setNumThreads(4)
        torch.set_num_threads(4)
        found = machine.check_opencv_threads(cpus=2)
        assert_found(found, WARNING, '4 threads on 2 CPUs', 'opencv_num_threads=0')
        found = machine.check_blas_threads(cpus=2)
        assert_found(found, WARNING, '4 threads on 2 CPUs', 'OMP_NUM_THREADS=1')
    finally:
        cv2.setNumThreads(before[0])
        torch.set_num_threads(before[1])


def test_threads_that_compete_between_processes(monkeypatch):
    monkeypatch.delenv('OMP_NUM_THREADS', raising=False)
    monkeypatch.setattr(torch, 'get_num_threads', lambda: 2)
    found = machine.check_blas_threads(cpus=8)
    assert_found(found, WARNING, 'compete', 'export OMP_NUM_THREADS=1')
    monkeypatch.setenv('OMP_NUM_THREADS', '2')
    assert machine.check_blas_threads(cpus=8).state == OK


def test_containers_quota_limits_the_cpus(tmp_path):
    (tmp_path / 'cpu.max').write_text('50000 100000\n')
    assert machine.count_cpus(str(tmp_path / 'cpu.max')) == 0.5
    (tmp_path / 'cpu.max').write_text('max 100000\n')
    assert machine.count_cpus(str(tmp_path / 'cpu.max')) >= 1


def test_disk_and_shared_memory_that_are_too_small(tmp_path):
    found = machine.check_disk(str(tmp_path), needed=10**18)
    assert_found(found, FAULT, 'are needed', '--work-dir')
    found = machine.check_shared_memory(str(tmp_path), needed=10**18)
    assert_found(found, FAULT, 'are needed', '--shm-size')
    found = machine.check_shared_memory(str(tmp_path / 'none'))
    assert_found(found, WARNING, 'does not exist', 'num_workers=0')


def test_too_few_open_files(monkeypatch):
    monkeypatch.setattr(machine.resource, 'getrlimit', lambda which: (256, 256))
    assert_found(machine.check_open_files(), WARNING, 'at most 256', 'ulimit')


def run_doctor(path: Path) -> subprocess.CompletedProcess:
    """The command as a user types it, with `path` before all other packages."""
    paths = [str(path), str(ROOT), os.environ.get('PYTHONPATH', '')]
    env = dict(os.environ, PYTHONPATH=os.pathsep.join(paths))
    return subprocess.run(
        [sys.executable, '-m', 'gm_pose', 'doctor'],
        env=env,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=200,
    )


@pytest.mark.slow
def test_command_exits_with_1_where_the_package_cannot_be_imported(install, tmp_path):
    install('mmpose', '0.29.0')
    ended = run_doctor(tmp_path)
    assert ended.returncode == 1, ended.stderr
    assert 'Traceback' not in ended.stderr
    line = next(x for x in ended.stdout.splitlines() if 'host packages' in x)
    assert line.startswith('FAULT')
    assert 'mmpose 0.29.0' in line
    assert '-> pip install "mmpose>=' in line
    lines = ended.stdout.splitlines()
    assert len(lines) == len(get_checks()) + 2  # one line each, a head and a sum


def test_command_exits_with_0_in_a_sound_environment(capsys):
    code = main(['doctor'])
    output = capsys.readouterr().out
    assert code == 0, output
    assert output.splitlines()[-1].startswith('0 faults')
