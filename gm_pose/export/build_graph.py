"""An opened model -> the module that is exported, and examples to trace it with."""

from typing import Any

import numpy as np
import torch
from torch import Tensor

from gm_pose.export.codec_settings import read_codec
from gm_pose.export.graph.pose_graph import HeatmapNetwork, JointReader, PoseGraph
from gm_pose.export.nobody import answer_for_nobody
from gm_pose.inference.backends.torch_network import PoseNetwork
from gm_pose.inference.models.run_checkpoint import OpenedModel
from gm_pose.runs.user_errors import UserError

__all__ = ['build_graph', 'convert_graph']


def build_graph(
    network: PoseNetwork, opened: OpenedModel, takes: str, gives: str
) -> PoseGraph:
    """Put the parts together.

    Raises:
        UserError: joints are asked for, and the codec's decoding cannot be exported.
    """
    settings = opened.settings
    reader = None
    if gives == 'joints':
        description = network.description
        reader = JointReader(
            read_codec(network.model.head.decoder),
            description.joint_count,
            opened.calibration,
            description.oks_sigmas,
        )
    return PoseGraph(
        HeatmapNetwork(network, settings.pixels),
        reader,
        settings.crop,
        takes_crops=takes == 'crop',
    ).eval()


def convert_graph(graph: PoseGraph) -> Any:
    """Graph -> ONNX model, in memory, people and image of any number and size.

    Raises:
        UserError: PyTorch's exporter does not know an operation of the network, or its
            packages are missing.
    """
    try:
        import onnxscript  # noqa: F401
    except ImportError as error:
        raise UserError(
            f"the exporter cannot be imported ({error}). Fix: pip install 'gm_pose[export]'"
        ) from error
    inputs, shapes = make_example(graph)
    with torch.no_grad():
        # Tables that are made at a first call would be made of the exporter's stand-ins.
        graph(*inputs)
        try:
            program = torch.onnx.export(
                graph,
                inputs,
                input_names=graph.list_inputs(),
                output_names=graph.list_outputs(),
                dynamic_shapes=(shapes,),
                dynamo=True,
                external_data=False,
                verbose=False,
            )
        except torch.onnx.errors.OnnxExporterError as error:
            reason = ' '.join(str(error).split())[:300]
            raise UserError(
                f"PyTorch's exporter does not know this network ({reason})"
            ) from error
    assert program is not None
    model = program.model_proto
    answer_for_nobody(model, graph.list_inputs()[-1])
    return model


def make_example(graph: PoseGraph) -> tuple[tuple[Tensor, ...], tuple[dict, ...]]:
    """Inputs, two people of each, and which of their sizes may be others."""
    people = torch.export.Dim('people')
    if graph.takes_crops:
        w, h = graph.crop.input_size
        return (torch.zeros(2, 3, h, w),), ({0: people},)
    height, width = torch.export.Dim('height'), torch.export.Dim('width')
    pixels = np.random.default_rng(0).integers(0, 256, (40, 30, 3), dtype=np.uint8)
    boxes = torch.tensor([[2.0, 3.0, 20.0, 33.0], [5.0, 5.0, 25.0, 35.0]])
    return (torch.from_numpy(pixels), boxes), ({0: height, 1: width}, {0: people})
