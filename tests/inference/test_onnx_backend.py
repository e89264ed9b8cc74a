"""Files that are not ours, and files of ours that cannot be predicted with."""

import json
from dataclasses import replace

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from gm_pose.inference.backends.onnx_backend import OnnxBackend
from gm_pose.inference.backends.onnx_metadata import OnnxMetadata, read_metadata
from gm_pose.inference.backends.pose_backend import ModelDescription, PeopleArrays
from gm_pose.inference.person_scores import score_people
from gm_pose.ops.uncertainty import Calibration
from gm_pose.runs.user_errors import UserError

DESCRIPTION = ModelDescription(
    'two.pth',
    ('left', 'right'),
    ((0, 1),),
    (1, 0),
    (0.1, 0.1),
    (48, 64),
    (12, 16),
    ((255, 0, 0), (0, 255, 0)),
    ((0, 0, 255),),
    'two',
)
METADATA = OnnxMetadata(
    version='1.0',
    takes='image',
    gives='joints',
    colour_order='BGR',
    flip_test=False,
    precision='fp32',
    padding=1.25,
    codec='MSRAHeatmap',
    sigmas_cells=(2.0,),
)


def test_calibration_travels_with_the_file_into_the_persons_score():
    fitted = replace(Calibration.neutral(2), oks_bias=np.array([-3.0, -2.0]))
    calibrated = replace(DESCRIPTION, calibration=fitted)
    people = PeopleArrays(
        np.zeros((1, 2, 2), np.float32),
        np.ones((1, 2), np.float32),
        np.tile(np.eye(2, dtype=np.float32), (1, 2, 1, 1)),
        np.ones((1, 2), np.float32),
    )
    boxes = np.array([[0, 0, 30, 40]], np.float32)
    scores = []
    for description in (DESCRIPTION, calibrated):
        _, read = read_metadata(METADATA.to_properties(description), 'a.onnx')
        scores += [*score_people(people, boxes, np.ones(1), 'expected_oks', read)]
    # OKS sigmas of 0.1, the area 0.53 of the box: 1 / (1 + 1 / t^2), and its logit moved
    expected = 1 / (1 + 1 / (0.2**2 * 0.53 * 1200))
    moved = [1 / (1 + np.exp(-np.log(expected / (1 - expected)) + b)) for b in (3, 2)]
    np.testing.assert_allclose(scores, [expected, np.mean(moved)], rtol=1e-5)


@pytest.fixture
def write_model(tmp_path):
    """write_model(properties) -> a file whose joints are always the boxes' corners."""

    def write(properties: dict[str, str]) -> str:
        values = {
            'image': (TensorProto.UINT8, ['h', 'w', 3]),
            'boxes': (TensorProto.FLOAT, ['n', 4]),
            'keypoints': (TensorProto.FLOAT, ['n', 2, 2]),
            'scores': (TensorProto.FLOAT, ['n', 2]),
            'presence': (TensorProto.FLOAT, ['n', 2]),
            'covariances': (TensorProto.FLOAT, ['n', 2, 2, 2]),
        }
        infos = [helper.make_tensor_value_info(k, *v) for k, v in values.items()]
        shape = helper.make_tensor('shape', TensorProto.INT64, [3], [-1, 2, 2])
        repeats = helper.make_tensor('repeats', TensorProto.INT64, [4], [1, 1, 1, 2])
        axes = helper.make_tensor('axes', TensorProto.INT64, [1], [-1])
        nodes = [
            helper.make_node('Reshape', ['boxes', 'shape'], ['keypoints']),
            helper.make_node(
                'ReduceMax', ['keypoints', 'axes'], ['scores'], keepdims=0
            ),
            helper.make_node('Identity', ['scores'], ['presence']),
            helper.make_node('Unsqueeze', ['keypoints', 'axes'], ['wide']),
            helper.make_node('Tile', ['wide', 'repeats'], ['covariances']),
        ]
        graph = helper.make_graph(
            nodes, 'corners', infos[:2], infos[2:], [shape, repeats, axes]
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid('', 18)])
        model.ir_version = 10
        helper.set_model_props(model, {**properties, 'another.tool': 'no JSON'})
        path = tmp_path / 'model.onnx'
        onnx.save(model, path)
        return str(path)

    return write


def test_metadata_comes_back():
    properties = METADATA.to_properties(DESCRIPTION)
    assert read_metadata(properties, 'x.onnx') == (METADATA, DESCRIPTION)


def test_people_of_each_image_in_batches(write_model):
    path = write_model(METADATA.to_properties(DESCRIPTION))
    backend = OnnxBackend(path, batch_size=2)
    assert backend.description == DESCRIPTION
    boxes = np.arange(20, dtype=np.float32).reshape(5, 4)
    image = np.zeros((9, 7, 3), np.uint8)
    many, none, one = backend.estimate([image] * 3, [boxes, boxes[:0], boxes[4:]])
    assert np.array_equal(many.keypoints_px.reshape(5, 4), boxes)
    assert [len(many), len(none), len(one)] == [5, 0, 1]
    assert none.covariances_px2.shape == (0, 2, 2, 2)
    assert np.array_equal(one.keypoints_px, many.keypoints_px[4:])


def change(**changes: object) -> dict[str, str]:
    properties = METADATA.to_properties(DESCRIPTION)
    return {**properties, **{k: json.dumps(v) for k, v in changes.items()}}


@pytest.mark.parametrize(
    ('properties', 'text'),
    [
        ({}, 'is an ONNX file, but not one of `gm_pose export`'),
        ({'producer': 'gm_pose'}, "metadata of .* cannot be used .no 'format'"),
        (change(format=2), 'has format 2; expected 1. Fix: take the gm_pose'),
        (change(joint_names=[]), 'has no joints'),
        (change(flip_indices=[0, 7]), 'joint 7 in flip_indices or skeleton_links'),
        (change(skeleton_links=[[0, 7]]), 'joint 7 in flip_indices or skeleton_links'),
        (
            change(
                calibration={
                    **Calibration.neutral(2).to_dict(),
                    'covariance_scale': [1.0, 1e300],
                }
            ),
            'covariance_scale has 1e.300; expected at most 1e',
        ),
        (change(oks_sigmas=[0.1] * 3), 'oks_sigmas has 3 entries; expected 2'),
        ({**change(), 'joint_names': '['}, 'metadata of .* cannot be used'),
        (change(joint_names=[1, 2]), 'joint_names is .1, 2.; expected names'),
        (change(joint_names=['a', 'a']), 'expected names, each once'),
        (change(joint_names=['a', '\ud800']), 'expected names, each once'),
        (change(skeleton_links=[[0.5, 1]]), 'expected pairs of joint indices'),
        (change(oks_sigmas=['a', 'b']), 'expected numbers or null'),
        (change(oks_sigmas=[0.1, float('nan')]), 'oks_sigmas has nan'),
        (change(input_size=['48', '64']), 'expected two whole numbers above 0'),
        (change(joint_colours=[1, 2]), 'expected colours of three'),
        (change(flip_test='no'), 'flip_test is no; expected true or false'),
        (
            change(calibration=Calibration.neutral(3).to_dict()),
            'calibration has 3 joints; expected 2',
        ),
        (
            change(takes='crop'),
            'takes crop and gives joints; expected image and joints',
        ),
        (change(gives='maps'), 'takes image and gives maps'),
    ],
)
def test_files_that_cannot_be_used_are_refused(write_model, properties, text):
    path = write_model(properties)
    with pytest.raises(UserError, match=text):
        OnnxBackend(path)


def test_a_flip_test_that_is_not_there_is_refused(write_model):
    path = write_model(METADATA.to_properties(DESCRIPTION))
    with pytest.raises(UserError, match='has no flip test'):
        OnnxBackend(path, flip_test=True)


def test_an_unknown_device_is_refused(write_model):
    path = write_model(METADATA.to_properties(DESCRIPTION))
    with pytest.raises(UserError, match="device 'tpu' is not among"):
        OnnxBackend(path, device='tpu')


@pytest.mark.parametrize('content', [b'', b'no model', b'\x08\x0a' * 50])
def test_what_is_no_onnx_file_is_refused(tmp_path, content):
    path = tmp_path / 'model.onnx'
    path.write_bytes(content)
    with pytest.raises(UserError, match=r'model\.onnx'):
        OnnxBackend(str(path))


def test_half_a_file_is_refused(write_model):
    path = write_model(METADATA.to_properties(DESCRIPTION))
    with open(path, 'rb+') as file:
        file.truncate(200)
    with pytest.raises(UserError, match='cannot be opened as an ONNX file'):
        OnnxBackend(path)


def test_a_missing_file_is_refused():
    with pytest.raises(UserError, match='does not exist'):
        OnnxBackend('nowhere.onnx')
