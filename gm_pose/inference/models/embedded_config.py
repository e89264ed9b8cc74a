"""The config text inside a checkpoint, read without executing any of it.

MMEngine writes the merged config into each checkpoint as Python text, and its own reader
(`Config.fromstring`) executes that text: a file from elsewhere could run anything. What
MMEngine writes is plain: one assignment a line, of numbers, strings, lists, tuples, dicts.
So it is parsed here, and everything else is refused.
"""

import ast
import contextlib
from collections.abc import Iterator, Mapping
from typing import Any

from gm_pose.runs.user_errors import UserError

__all__ = ['check_types', 'parse_config_text']

# 100 kB is a long config; parsing costs memory of about 100 times the text.
MAX_CHARACTERS = 2_000_000
# MMEngine writes float('inf') and float('nan') as these names.
_NAMED = {'inf': float('inf'), 'nan': float('nan')}
# Scopes of registries that may be named in `_scope_`.
SCOPES = ('mmengine', 'mmcv', 'mmdet', 'mmpose', 'mmpretrain')
REMEDY = (
    'Fix: give the config file that it was trained with as MODEL and this file as '
    '--weights'
)


def parse_config_text(text: str, path: str) -> dict[str, Any]:
    """Config as MMEngine writes it (`Config.pretty_text`) -> its values.

    Args:
        text: of the config.
        path: the checkpoint's, for the message.

    Raises:
        UserError: the text is no Python, or holds more than plain values.
    """
    if len(text) > MAX_CHARACTERS:
        raise UserError(
            f'checkpoint {path} holds a config of {len(text)} characters; expected at '
            f'most {MAX_CHARACTERS}. {REMEDY}'
        )
    try:
        tree = ast.parse(text)
        return dict(_read_statement(statement) for statement in tree.body)
    except (SyntaxError, ValueError, TypeError, RecursionError, MemoryError) as error:
        raise UserError(
            f'the config in checkpoint {path} is not plain values ({error}), and is not '
            f'executed. {REMEDY}'
        ) from error


def _read_statement(statement: ast.stmt) -> tuple[str, Any]:
    match statement:
        case ast.Assign(targets=[ast.Name(id=name)], value=value):
            return name, _read_value(value)
    raise ValueError(f'line {statement.lineno}: {_show(statement)}')


def _read_value(node: ast.expr) -> Any:
    """Syntax tree -> value; `dict(a=1)` is the one call that is understood."""
    match node:
        case ast.Constant(value=value):
            return value
        case ast.Name(id=name) if name in _NAMED:
            return _NAMED[name]
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            value = _read_value(operand)
            if isinstance(value, int | float):
                return -value
        case ast.List(elts=elements):
            return [_read_value(element) for element in elements]
        case ast.Tuple(elts=elements):
            return tuple(_read_value(element) for element in elements)
        case ast.Set(elts=elements):
            return {_read_value(element) for element in elements}
        case ast.Call(func=ast.Name(id='set'), args=[], keywords=[]):
            return set()
        case ast.Call(func=ast.Name(id='dict'), args=[], keywords=keywords):
            if all(keyword.arg for keyword in keywords):
                return {str(k.arg): _read_value(k.value) for k in keywords}
        case ast.Dict(keys=keys, values=values):
            if None not in keys:
                pairs = zip(keys, values, strict=True)
                return {_read_value(k): _read_value(v) for k, v in pairs if k}
    raise ValueError(f'line {node.lineno}: {_show(node)}')


def _show(node: ast.AST) -> str:
    text = ' '.join(ast.unparse(node).split())
    return text if len(text) <= 60 else f'{text[:57]}...'


def check_types(config: Any, path: str) -> None:
    """Refuse a type that no registry of models or codecs holds.

    MMEngine imports what it does not find: with ``type='os.system'`` a registry imports
    `os` and calls what the name stands for, with the config's own arguments.

    Args:
        config: the part of a checkpoint's config that is built.
        path: the checkpoint's, for the message.

    Raises:
        UserError: names the type.
    """
    kinds = list(_list_types(config))
    registered = _list_registered(kinds)
    for kind in kinds:
        if kind not in registered:
            raise UserError(
                f'the config in checkpoint {path} has type={kind!r}, which is not '
                'registered. Fix: import the module that registers it first, or, if you '
                'trust it, give the config file as MODEL and this file as --weights'
            )


def _list_registered(kinds: list[Any]) -> set[str]:
    """Names of models and codecs, with and without the scope before them."""
    from importlib import import_module

    from mmengine.registry import MODELS
    from mmpose.registry import KEYPOINT_CODECS
    from mmpose.registry import MODELS as POSE_MODELS

    names: set[str] = set()
    for scope in {str(kind).partition('.')[0] for kind in kinds} & {*SCOPES}:
        with contextlib.suppress(ImportError):
            import_module(f'{scope}.registry')
    for registry in list(MODELS.children.values()):  # importing adds to them
        if any(str(kind).startswith(f'{registry.scope}.') for kind in kinds):
            registry.import_from_location()
    POSE_MODELS.import_from_location()
    KEYPOINT_CODECS.import_from_location()
    for registry in (MODELS, *MODELS.children.values(), KEYPOINT_CODECS):
        for name in registry.module_dict:
            names |= {name, f'{registry.scope}.{name}'}
    return names


def _list_types(config: Any) -> Iterator[Any]:
    """Every `type`, with the `_scope_` beside it."""
    if isinstance(config, Mapping):
        if 'type' in config:
            yield config['type']
        if '_scope_' in config and config['_scope_'] not in SCOPES:
            yield f'{config["_scope_"]}.{config.get("type")}'
        for value in config.values():
            yield from _list_types(value)
    elif isinstance(config, list | tuple):
        for value in config:
            yield from _list_types(value)
