"""A part of an ONNX graph in half precision, the rest as it is."""

from collections.abc import Iterable
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

__all__ = ['halve_nodes']

# Positions of inputs that stay float32 whatever the data are.
_STAY = {'Resize': (1, 2)}
_LARGEST = float(np.finfo(np.float16).max)


def halve_nodes(model: Any, names: Iterable[str]) -> Any:
    """Model, names of nodes -> a copy in which these compute in float16.

    Values are cast where they enter the part and where they leave it; weights of the part
    alone are stored as float16. ONNX Runtime's own converter does the same for a list of
    nodes to leave out, and makes NaN of this project's graphs.

    Args:
        model: its tensors have types, as PyTorch's exporter writes them.
        names: of nodes without subgraphs.
    """
    names = set(names)
    halved = onnx.ModelProto()
    halved.CopyFrom(model)
    graph = halved.graph
    floats = _list_floats(model.graph)
    weights = {tensor.name: tensor for tensor in graph.initializer}
    nodes: list[Any] = []
    cast: dict[str, str] = {}  # float32 value -> its name in float16
    for node in graph.node:
        if node.name in names:
            _halve_node(node, floats, weights, cast, nodes)
        else:
            nodes.append(node)
    used = {name for node in nodes for name in node.input}
    used |= {output.name for output in graph.output}
    # a value that only the part reads is not cast back
    nodes = [n for n in nodes if n.op_type != 'Cast' or n.output[0] in used]
    kept = [t for t in weights.values() if t.name in used]
    del graph.node[:], graph.initializer[:], graph.value_info[:]
    graph.node.extend(nodes)
    graph.initializer.extend(kept)
    return halved


def _halve_node(
    node: Any,
    floats: set[str],
    weights: dict[str, Any],
    cast: dict[str, str],
    nodes: list[Any],
) -> None:
    """Append the node with its inputs in float16, and its outputs back in float32."""
    for position, name in enumerate(node.input):
        if name not in floats or position in _STAY.get(node.op_type, ()):
            continue
        if name not in cast:
            cast[name] = f'{name}.half'
            if name in weights:
                values = numpy_helper.to_array(weights[name]).clip(-_LARGEST, _LARGEST)
                half = numpy_helper.from_array(values.astype(np.float16), cast[name])
                weights[cast[name]] = half
            else:
                nodes.append(_make_cast(name, cast[name], TensorProto.FLOAT16))
        node.input[position] = cast[name]
    for attribute in node.attribute:
        if node.op_type == 'Cast' and attribute.i == TensorProto.FLOAT:
            attribute.i = TensorProto.FLOAT16
    nodes.append(node)
    for position, name in enumerate(node.output):
        if name in floats:
            cast[name] = node.output[position] = f'{name}.half'
            nodes.append(_make_cast(cast[name], name, TensorProto.FLOAT))


def _list_floats(graph: Any) -> set[str]:
    """Names of all float32 values."""
    infos = (*graph.value_info, *graph.input, *graph.output)
    names = {i.name for i in infos if i.type.tensor_type.elem_type == TensorProto.FLOAT}
    return names | {
        t.name for t in graph.initializer if t.data_type == TensorProto.FLOAT
    }


def _make_cast(name: str, to_name: str, kind: int) -> Any:
    return helper.make_node('Cast', [name], [to_name], name=f'{to_name}.cast', to=kind)
