"""One part of a config against its registry: the type, its arguments, building it."""

import copy
import difflib
import inspect
import re
from typing import Any

from mmengine.registry import Registry

from gm_pose.runs.resume.rng_state import preserve_rng
from gm_pose.runs.user_errors import UserError

__all__ = ['MISTAKES', 'build_component', 'check_arguments', 'explain_mistake']

MISTAKES = (AssertionError, AttributeError, ImportError, LookupError, OSError,
            RuntimeError, TypeError, ValueError)  # fmt: skip
"""What a constructor raises about its arguments, or about a package that it lacks."""

# Read by the Runner, and not by the part itself: any hook's, any scheduler's.
_COMMON = ('type', '_scope_', 'priority', 'convert_to_iter_based')
_UNKNOWN_TYPE = re.compile(r'(\S+) is not in the (\S+) registry')


def build_component(parts: Registry, part: Any, place: str) -> Any:
    """Build a part and leave the random generators as they were."""
    if not isinstance(part, dict) or 'type' not in part:
        raise UserError(f'{place} is {part!r}: give a dict with a `type`')
    check_arguments(parts, part, place)
    try:
        with preserve_rng():
            return parts.build(copy.deepcopy(part))
    except MISTAKES as error:
        raise explain_mistake(error, place) from error


def check_arguments(parts: Registry, part: Any, place: str) -> None:
    """Raise UserError for an unknown type or an argument that it does not take."""
    if part is None or isinstance(part, (str, int, float, list, tuple)):
        raise UserError(f'{place} is {part!r}: give a dict with a `type`')
    if not isinstance(part, dict):
        return  # built already
    if 'type' not in part:
        raise UserError(f'{place} has no `type`: give a dict with a `type`')
    kind = part['type'] if callable(part['type']) else parts.get(part['type'])
    if kind is None:
        known = _list_names(parts)
        close = difflib.get_close_matches(str(part['type']), known, 1)
        hint = f'did you mean {close[0]}? Otherwise ' if close else ''
        raise UserError(
            f'{place}.type: {part["type"]} is not registered: {hint}check the spelling '
            'and that custom_imports imports the package that has it'
        )
    accepted = _get_arguments(kind)
    if accepted is None:
        return
    for name in part:
        if name not in accepted and name not in _COMMON:
            close = difflib.get_close_matches(name, accepted, 1)
            hint = f'did you mean {close[0]}?' if close else f'it takes {accepted}'
            raise UserError(
                f'{place}.{name}={part[name]!r}: {part["type"]} has no argument {name}; '
                f'{hint}'
            )


def _list_names(parts: Registry | None) -> list[str]:
    """Names that a registry and its parents know."""
    names: list[str] = []
    while parts is not None:
        names += [name for name in parts.module_dict if isinstance(name, str)]
        parts = parts.parent
    return names


def _get_arguments(kind: Any) -> list[str] | None:
    """Names that a class's constructor takes, or None if it takes any."""
    names: list[str] = []
    for base in inspect.getmro(kind) if inspect.isclass(kind) else [kind]:
        function = base.__dict__.get('__init__') if inspect.isclass(base) else base
        if function is None or base is object:
            continue
        try:
            parameters = inspect.signature(function).parameters.values()
        except (TypeError, ValueError):
            return None
        names += [p.name for p in parameters if p.kind in (p.KEYWORD_ONLY,
                  p.POSITIONAL_OR_KEYWORD) and p.name != 'self']  # fmt: skip
        if all(p.kind != p.VAR_KEYWORD for p in parameters):
            return names
        # **kwargs go to the next class that has a constructor
    return None


def explain_mistake(error: BaseException, place: str) -> UserError:
    """What MMEngine's registry says about a part -> one sentence with the remedy."""
    # a KeyError's own text is the repr of its message
    message = error.args[0] if isinstance(error, KeyError) and error.args else error
    text = ' '.join(str(message).split())
    unknown = _UNKNOWN_TYPE.search(text)
    if unknown:
        return UserError(
            f'{place}.type: {unknown[1]} is not registered: check the spelling, and that '
            'custom_imports imports the package that has it'
        )
    return UserError(f'{place}: {text[:600]}: correct it in the config')
