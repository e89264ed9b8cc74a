"""An exported graph for images without people."""

from typing import Any

import numpy as np

__all__ = ['answer_for_nobody']


def answer_for_nobody(model: Any, people: str) -> None:
    """Let an ONNX model compute nobody as somebody, who is left out again, in place.

    In ONNX Runtime up to 1.23, the last one for Python 3.10, an Einsum without elements
    ends the process (SIGFPE), and other operations fail.

    Args:
        model: whose outputs all begin with a row for each person.
        people: name of the input (N, ...) that says who they are: 'boxes' or 'crops'.
    """
    from onnx import helper, numpy_helper

    graph = model.graph
    (entry,) = (value for value in graph.input if value.name == people)
    sizes = entry.type.tensor_type.shape.dim
    somebody = np.zeros([1, *(size.dim_value for size in sizes[1:])], np.float32)
    if people == 'boxes':
        somebody[:, 2:] = 1
    constants: dict[str, np.ndarray] = {'somebody': somebody}
    constants.update({str(n): np.array([n], np.int64) for n in (0, 1)})
    for name, value in constants.items():
        graph.initializer.append(numpy_helper.from_array(value, f'nobody.{name}'))

    rows = {value.name: f'nobody.{value.name}' for value in graph.output}
    read = {people: 'nobody.filled', **rows}
    for node in graph.node:
        node.input[:] = [read.get(name, name) for name in node.input]
        node.output[:] = [rows.get(name, name) for name in node.output]
    # The same name for another size would let the runtime reuse memory that is too small.
    count = sizes[0].dim_param
    for value in graph.value_info:
        for size in value.type.tensor_type.shape.dim:
            size.dim_param = size.dim_param.replace(count, 'rows')

    def make(kind: str, inputs: list[str], output: str, **attributes: Any) -> Any:
        names = [n if n == people else f'nobody.{n}' for n in inputs]
        return helper.make_node(kind, names, [output], f'nobody_{output}', **attributes)

    nodes = [
        make('Shape', [people], 'nobody.count', start=0, end=1),
        make('Max', ['count', '1'], 'nobody.rows'),
        make('Concat', [people, 'somebody'], 'nobody.more', axis=0),
        make('Slice', ['more', '0', 'rows'], 'nobody.filled'),
        *graph.node,
        *(make('Slice', [name, '0', 'count'], name) for name in rows),
    ]
    del graph.node[:]
    graph.node.extend(nodes)
