"""The dicts of a config, wherever they stand."""

from collections.abc import Iterator
from typing import Any

__all__ = ['iter_dicts']


def iter_dicts(node: Any, path: str = '') -> Iterator[tuple[str, dict]]:
    """Every dict at and below `node`, outer ones first -> (dotted config path, dict).

    Args:
        node: dicts, lists and tuples of anything.
        path: where `node` is in the config; '' for the config itself.
    """
    if isinstance(node, dict):
        yield path, node
        inner = list(node.items())
    elif isinstance(node, (list, tuple)):
        inner = list(enumerate(node))
    else:
        return
    for key, value in inner:
        yield from iter_dicts(value, f'{path}.{key}' if path else str(key))
