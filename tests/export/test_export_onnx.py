"""The exported file: parity, metadata, sizes, precisions, and what is refused."""

import errno
import importlib
import json
import logging
import os
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import onnx
import pytest
import torch
from tiny_models import SIZES, make_config, make_samples, write_checkpoint

from gm_pose.cli import main
from gm_pose.export import ExportOptions, export_onnx
from gm_pose.export.build_graph import build_graph
from gm_pose.export.graph.pose_graph import PoseGraph
from gm_pose.export.parity import Parity, _decode_twice, measure_parity
from gm_pose.export.precision import list_network_nodes
from gm_pose.export.samples import read_samples
from gm_pose.inference.backends.onnx_backend import open_session
from gm_pose.inference.backends.torch_backend import TorchBackend
from gm_pose.inference.boxes import GivenBoxes
from gm_pose.inference.models.open_model import open_model
from gm_pose.inference.sources import open_source
from gm_pose.runs.user_errors import UserError
from gm_pose.version import __version__

# not the function, which the package has under the same name
module = importlib.import_module('gm_pose.export.export_onnx')


def test_parity_is_reported(export_folder):
    lines = json.loads((export_folder / 'lines.json').read_text())
    assert lines[0] == 'converting'
    assert lines[1].startswith('checked: joints of 3 people differ by ')


def test_it_is_one_file_with_its_metadata(export_folder):
    assert {path.name for path in export_folder.iterdir()} == {
        'model.pth',
        'model.onnx',
        'lines.json',
    }
    model = onnx.load(export_folder / 'model.onnx', load_external_data=False)
    onnx.checker.check_model(model)
    assert not any(t.external_data for t in model.graph.initializer)
    values = {p.key: p.value for p in model.metadata_props}
    assert values.pop('producer') == 'gm_pose'
    values = {key: json.loads(value) for key, value in values.items()}
    assert values['version'] == __version__
    assert values['joint_names'][0] == 'nose'
    assert values['skeleton_links'][0] == [15, 13]
    assert len(values['oks_sigmas']) == len(values['sigmas_cells']) == 17
    assert (values['input_size'], values['heatmap_size']) == ([48, 64], [12, 16])
    assert values['colour_order'] == 'BGR'
    assert values['codec'] == 'JointAdaptiveMSRAHeatmap'
    assert len(values['calibration']['oks_bias']) == 17


def test_numbers_of_people_and_sizes_of_images_are_free(onnx_file):
    session = open_session(onnx_file)
    for size, people in (((90, 50), 0), ((90, 50), 1), ((30, 333), 5)):
        image = np.zeros((*size, 3), np.uint8)
        boxes = np.tile(np.float32([5, 5, 40, 25]), (people, 1))
        outputs = session.run(None, {'image': image, 'boxes': boxes})
        shapes = [output.shape for output in outputs]
        joints = (people, 17)
        assert shapes == [(*joints, 2), joints, (*joints, 2, 2), joints, (people,)]


class Converted:
    """`convert_graph`'s part of an export: the file that is there already."""

    def __init__(self, path: str) -> None:
        self.path = path

    def __call__(self, graph: PoseGraph):
        return onnx.load(self.path)


@pytest.fixture
def converted(monkeypatch, onnx_file):
    monkeypatch.setattr(module, 'convert_graph', Converted(onnx_file))


@pytest.mark.parametrize('precision', ['fp16', 'int8'])
def test_lower_precision_is_smaller_and_its_loss_is_measured(
    export_folder, tmp_path, converted, precision
):
    options = ExportOptions(precision=precision)
    checkpoint = str(export_folder / 'model.pth')
    out = tmp_path / 'small.onnx'
    level = logging.getLogger().level
    exported = export_onnx(checkpoint, out, options, samples=make_samples())
    assert logging.getLogger().level == level
    assert exported.parity.largest_px < 0.05
    assert exported.loss is not None
    # Half precision keeps 3 digits: of a map's cells, and so of a cell. Random weights have
    # flat maps, on which 8 bits may take another peak; half of the joints keep theirs.
    assert 0 < exported.loss.median_px < (0.5 if precision == 'fp16' else 20)
    model = onnx.load(out)
    kinds = {
        t.data_type for t in model.graph.initializer if t.dims and len(t.dims) == 4
    }
    expected = (
        onnx.TensorProto.FLOAT16 if precision == 'fp16' else onnx.TensorProto.INT8
    )
    assert expected in kinds
    names = json.loads({p.key: p.value for p in model.metadata_props}['precision'])
    assert names == precision


def test_a_file_that_differs_is_not_written(
    export_folder, tmp_path, converted, monkeypatch
):
    off = Parity(3, 0, 0.2, 0.1, 0.0, None)
    monkeypatch.setattr(module, 'measure_parity', lambda *args: off)
    out = tmp_path / 'model.onnx'
    with pytest.raises(UserError, match=r'differs from PyTorch by 0\.2 px; expected'):
        export_onnx(str(export_folder / 'model.pth'), out, samples=make_samples())
    assert not list(tmp_path.iterdir())


def test_distances_of_8_bits_are_plain_numbers():
    text = str(Parity(60, 0, 373.2, 0.6221, 0.03, 142.0))
    assert 'differ by 373 px at most (median 0.62)' in text
    assert 'deviations by 142 px' in text
    assert 'by 4.8e-05 px' in str(Parity(12, 0, 4.8e-5, 1.5e-5, 6e-7, None))


def test_a_full_folder_of_temporary_files_is_named(
    export_folder, tmp_path, converted, monkeypatch
):
    def fill(*args):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(module, 'write_model', fill)
    with pytest.raises(
        UserError, match=r'temporary files \(ENOSPC\): the disk is full'
    ):
        export_onnx(str(export_folder / 'model.pth'), tmp_path / 'model.onnx')
    assert not list(tmp_path.iterdir())


@pytest.mark.usefixtures('operators_listed_once')  # skips where none is exported
def test_a_metainfo_that_no_reader_would_take_is_refused_before_the_conversion(
    tmp_path, monkeypatch
):
    opened = open_model(write_checkpoint(tmp_path / 'model.pth', make_config()))
    wrong = {**opened.metainfo, 'dataset_name': 'two\nlines'}
    monkeypatch.setattr(module, 'convert_graph', None)
    with pytest.raises(UserError, match='dataset is two lines; expected text'):
        export_onnx(replace(opened, metainfo=wrong), tmp_path / 'model.onnx')


def test_parity_sees_another_file(export_folder, tmp_path):
    """Weights that are a hundredth too large: what the check is there for."""
    model = onnx.load(export_folder / 'model.onnx')
    for weights in model.graph.initializer:
        if len(weights.dims) == 4 and weights.data_type == onnx.TensorProto.FLOAT:
            values = onnx.numpy_helper.to_array(weights) * 1.01
            weights.CopyFrom(
                onnx.numpy_helper.from_array(values.astype(np.float32), weights.name)
            )
    onnx.save(model, tmp_path / 'other.onnx')
    opened = open_model(str(export_folder / 'model.pth'))
    backend = TorchBackend(opened, 'cpu')
    graph = build_graph(backend.network, opened, 'image', 'joints')
    session = open_session(str(tmp_path / 'other.onnx'))
    assert measure_parity(session, graph, backend, make_samples()).largest_px > 0.05


@pytest.mark.parametrize(('px', 'is_steady'), [(1.0, True), (12.5, False)])
def test_joints_are_steady_in_the_px_that_are_compared(px, is_steady):
    """A whole 4K photo has 12 px for each px of the crop, and 12 times the noise."""

    def decode(maps):
        # noise of 1e-6 moves places by some 0.002 px of the crop, 0.025 px of the image
        places = 2000 * maps[:, :, 0, :2].numpy()
        return places, maps.amax((2, 3)).numpy(), None

    backend = SimpleNamespace(network=SimpleNamespace(decode=decode))
    found = _decode_twice(backend, torch.ones(1, 50, 4, 3), px)[1]
    assert found.all() == is_steady


@pytest.mark.parametrize(
    ('options', 'text'),
    [
        (['--out', 'model.pb'], r'model.pb does not end in .onnx'),
        (['--out', 'nowhere/model.onnx'], r'is in nowhere, which is not there'),
        (['--out', f'{__file__}/model.onnx'], r'test_export_onnx.py, which is a file'),
        (['--out', '/proc/model.onnx'], r'cannot write /proc/model.onnx'),
        (['--images', 'nothing.jpg'], r'nothing.jpg'),
        (['--int8', ''], r'--int8 is empty; expected a path'),
        (['--int8', 'a', '--images', 'b'], r'--int8 and --images were both given'),
        (['--boxes', 'a.json'], r'--boxes is a.json, and there are no images'),
        (['--boxes', 'rtmdet', '--int8', 'nothing'], r'nothing'),
    ],
)
def test_wrong_arguments_are_one_line(
    export_folder, tmp_path, monkeypatch, capsys, options, text
):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as ended:
        main(['export', str(export_folder / 'model.pth'), *options])
    assert ended.value.code == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert text in line
    assert not list(tmp_path.iterdir())


def test_boxes_that_predictions_leave_out_are_no_samples():
    """A box of no size or of 10^9 px, whose joints differ by as much, fails no export."""
    image = np.zeros((60, 80, 3), np.uint8)
    boxes = [[5, 5, 5, 9], [-1e9, 0, 1e9, 5], [90, 0, 99, 9], [0, 0, 9, 9]]
    (sample,) = read_samples(open_source([image]), GivenBoxes([boxes]), 10)
    assert sample.boxes_px.tolist() == [[0, 0, 9, 9]]
    with pytest.raises(UserError, match='none of the images can be read and has boxes'):
        read_samples(open_source([image]), GivenBoxes([boxes[:3]]), 10)


def test_int8_needs_images():
    with pytest.raises(UserError, match='--int8 IMAGES'):
        export_onnx('model.pth', 'model.onnx', ExportOptions(precision='int8'))


@pytest.mark.parametrize('field', ['takes', 'gives', 'precision'])
def test_unknown_options_are_refused(field):
    with pytest.raises(ValueError, match=f"{field} is 'x'; expected one of"):
        ExportOptions(**{field: 'x'})


def test_network_nodes_are_those_of_the_model(onnx_file):
    model = onnx.load(onnx_file)
    names = list_network_nodes(model)
    inside = {n.op_type for n in model.graph.node if n.name in names}
    outside = {n.op_type for n in model.graph.node if n.name not in names}
    assert {'Conv', 'Softmax'} <= inside
    assert 'Conv' not in outside
    assert {'ArgMax', 'Round'} <= outside


class OpenVinoSession:
    """A file in OpenVINO, called as ONNX Runtime's session is."""

    def __init__(self, path: str) -> None:
        openvino = pytest.importorskip('openvino')
        exact = {'INFERENCE_PRECISION_HINT': 'f32'}
        self.compiled = openvino.Core().compile_model(path, 'CPU', exact)

    def run(self, names, feed):
        results = self.compiled(feed)
        return [results[name] for name in names]


# Without the block, the mixture, the fit and the calibration that the shared file has:
# a third of the conversion.
PLAIN = dict(
    neck=None,
    head='HeatmapHead',
    codec=dict(type='MSRAHeatmap', **SIZES, sigma=2),
)


@pytest.mark.slow
@pytest.mark.usefixtures('operators_listed_once')
@pytest.mark.parametrize(
    ('takes', 'gives', 'dark'),
    [
        ('crop', 'maps', False),
        ('crop', 'joints', False),
        ('image', 'maps', False),
        ('image', 'joints', True),
    ],
)
def test_other_inputs_and_outputs_with_flip_test(tmp_path, takes, gives, dark):
    """By both runtimes, against PyTorch's flip test, on crops of rendered people."""
    config = make_config(**{**PLAIN, 'codec': dict(PLAIN['codec'], unbiased=dark)})
    opened = open_model(write_checkpoint(tmp_path / 'model.pth', config, None))
    options = ExportOptions(takes, gives, flip_test=True)
    samples = make_samples()
    exported = export_onnx(opened, tmp_path / 'model.onnx', options, samples=samples)
    assert exported.parity.largest_px < 0.05
    session = open_session(str(exported.path))
    names = [output.name for output in session.get_outputs()]
    nobody = {'crops': np.zeros((0, 3, 64, 48), np.float32)}
    if takes == 'image':
        image = np.zeros((40, 60, 3), np.uint8)
        nobody = {'image': image, 'boxes': np.zeros((0, 4), np.float32)}
    assert {len(output) for output in session.run(None, nobody)} == {0}
    if gives == 'joints':
        assert names[:4] == ['keypoints', 'scores', 'covariances', 'presence']
        backend = TorchBackend(opened, 'cpu', flip_test=True)
        graph = build_graph(backend.network, opened, takes, gives)
        session = OpenVinoSession(str(exported.path))
        parity = measure_parity(session, graph, backend, samples)
        assert parity.people == 3
        assert parity.unsteady < 5
        assert parity.largest_px < 0.05
    else:
        assert names == ['heatmaps', 'centers', 'sizes'][: 1 if takes == 'crop' else 3]
