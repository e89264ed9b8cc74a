"""A checked float32 file -> one whose network is in half precision, or in whole numbers."""

import logging
from collections.abc import Sequence
from typing import Any

import numpy as np

from gm_pose.export.graph.pose_graph import PoseGraph
from gm_pose.export.half_precision import halve_nodes
from gm_pose.export.parity import cut_crops
from gm_pose.export.samples import Sample

__all__ = ['list_network_nodes', 'to_fp16', 'to_int8']

# What the exporter writes beside each node: the modules that it comes from.
_SCOPES = 'pkg.torch.onnx.name_scopes'
# What is worth it: the others take less than a hundredth of the time.
_QUANTISED = ['Conv', 'MatMul', 'Gemm']


def list_network_nodes(model: Any) -> set[str]:
    """Names of the nodes of backbone, neck and head.

    The rest stays in float32: cropping counts in 1/1024 px, decoding in hundredths of a
    cell.
    """
    names = set()
    for node in model.graph.node:
        scopes = [p.value for p in node.metadata_props if p.key == _SCOPES]
        if scopes and "'network.model" in scopes[0]:
            names.add(node.name)
    return names


def to_fp16(model: Any) -> Any:
    """ONNX model -> its network in half precision; inputs and outputs stay float32."""
    return halve_nodes(model, list_network_nodes(model))


def to_int8(model: Any, path: str, graph: PoseGraph, samples: Sequence[Sample]) -> None:
    """Write the model with its convolutions and products in 8 bits to `path`.

    Static quantisation of ONNX Runtime: ranges of the activations are the smallest and
    largest values on the samples, weights have a scale for each channel.

    Args:
        model: ONNX model.
        path: of the file.
        graph: that `model` was exported from.
        samples: to calibrate on, as many and as varied as can be.
    """
    from onnxruntime.quantization import QuantFormat, QuantType, quantize_static

    network = list_network_nodes(model)
    root = logging.getLogger()
    level = root.level
    root.setLevel(logging.ERROR)  # a warning for each call
    try:
        quantize_static(
            model,
            path,
            _make_reader(graph, samples),
            quant_format=QuantFormat.QDQ,
            op_types_to_quantize=_QUANTISED,
            nodes_to_quantize=[n.name for n in model.graph.node if n.name in network],
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
        )
    finally:
        root.setLevel(level)


def _make_reader(graph: PoseGraph, samples: Sequence[Sample]) -> Any:
    from onnxruntime.quantization import CalibrationDataReader

    class Reader(CalibrationDataReader):
        """One sample after the other, as ONNX Runtime's quantiser asks for them."""

        def __init__(self) -> None:
            self._samples = iter(samples)

        def get_next(self) -> dict[str, Any] | None:
            sample = next(self._samples, None)
            if sample is None:
                return None
            if not graph.takes_crops:
                return {'image': sample.image, 'boxes': sample.boxes_px}
            crops = cut_crops(sample, graph.crop).transpose(0, 3, 1, 2)
            return {'crops': np.ascontiguousarray(crops, np.float32)}

    return Reader()
