"""One exported file for all tests here: block, mixture head, blur, calibration."""

import json
from functools import lru_cache
from pathlib import Path

import pytest
import torch
from filelock import FileLock
from tiny_models import make_config, make_samples, write_checkpoint

from gm_pose.export import export_onnx


def skip_without_exporter() -> None:
    if torch.__version__.startswith('2.6.'):
        pytest.skip('the exporter of PyTorch 2.6 fails with the onnxscript of today')


@pytest.fixture(scope='session')
def operators_listed_once():
    """The exporter lists ONNX's operators anew, two seconds, for each conversion."""
    skip_without_exporter()
    registration = pytest.importorskip('torch.onnx._internal.exporter._registration')
    with pytest.MonkeyPatch.context() as patch:
        make = lru_cache(maxsize=1)(registration.ONNXRegistry.from_torchlib)
        patch.setattr(registration.ONNXRegistry, 'from_torchlib', staticmethod(make))
        yield


@pytest.fixture(scope='session')
def export_folder(tmp_path_factory, request) -> Path:
    """model.pth, model.onnx and lines.json, what the export reported.

    A conversion takes half a minute: made once for all processes that run tests.
    """
    skip_without_exporter()
    pytest.importorskip('onnxscript')
    folder = tmp_path_factory.getbasetemp()
    if folder.name.startswith('popen-'):
        folder = folder.parent
    folder = folder / 'export'
    with FileLock(f'{folder}.lock'):
        if not (folder / 'lines.json').exists():
            folder.mkdir(exist_ok=True)
            request.getfixturevalue('operators_listed_once')
            lines: list[str] = []
            export_onnx(
                write_checkpoint(folder / 'model.pth', make_config()),
                folder / 'model.onnx',
                samples=make_samples(),
                report=lines.append,
            )
            (folder / 'lines.json').write_text(json.dumps(lines))
    return folder


@pytest.fixture(scope='session')
def onnx_file(export_folder) -> str:
    return str(export_folder / 'model.onnx')
