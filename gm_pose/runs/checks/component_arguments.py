"""One component of a config against its registry: the type, its arguments, building it."""

import copy
import difflib
import inspect
import re
from typing import Any

from mmengine.registry import Registry

from gm_pose.runs.problem import Problem
from gm_pose.runs.resume.rng_state import preserve_rng
from gm_pose.runs.user_errors import UserError

__all__ = [
    'MISTAKES',
    'build_component',
    'explain_mistake',
    'find_argument_problems',
    'find_culprits',
    'find_type',
]

MISTAKES = (
    AssertionError,
    AttributeError,
    ImportError,
    LookupError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
)
"""What a constructor raises about its arguments, or about a package that it lacks."""

# Read by the Runner, and not by the component itself: any hook's, any scheduler's.
_COMMON = ('type', '_scope_', 'priority', 'convert_to_iter_based')
_UNKNOWN_TYPE = re.compile(r'(\S+) is not in the (\S+) registry')
_BUILT_CLASS = re.compile(r'class `(\w+)` in \S+: ')


def build_component(registry: Registry, config: Any, place: str) -> Any:
    """Build a component and leave the random generators as they were.

    Raises:
        UserError: it is no dict with a registered type, or its arguments are refused.
    """
    problems = find_argument_problems(registry, config, place)
    if not problems and not isinstance(config, dict):
        problems = [Problem(place, f'is {config!r}; expected a dict with a `type`')]
    if problems:
        raise UserError(str(problems[0]))
    try:
        with preserve_rng():
            return registry.build(copy.deepcopy(config))
    except MISTAKES as error:
        raise UserError(str(explain_mistake(error, place))) from error


def find_type(registry: Registry, config: Any) -> Any:
    """The class that a component's config names, or None."""
    kind = config.get('type') if isinstance(config, dict) else None
    return kind if kind is None or callable(kind) else registry.get(kind)


def find_argument_problems(
    registry: Registry, config: Any, place: str
) -> list[Problem]:
    """An unknown type, or arguments that it does not take."""
    if config is None or isinstance(config, (str, int, float, list, tuple)):
        return [Problem(place, f'is {config!r}; expected a dict with a `type`')]
    if not isinstance(config, dict):
        return []  # built already
    if 'type' not in config:
        return [Problem(place, 'has no `type`; expected a dict with a `type`')]
    kind = find_type(registry, config)
    if kind is None:
        close = difflib.get_close_matches(str(config['type']), _list_names(registry), 1)
        hint = f'did you mean {close[0]}? Otherwise ' if close else ''
        return [
            Problem(
                f'{place}.type',
                f'is {config["type"]}, which is not registered',
                f'{hint}check the spelling, or import its package in custom_imports',
            )
        ]
    accepted = _get_arguments(kind)
    return [
        _explain_argument(config, name, accepted, place)
        for name in config
        if accepted is not None and name not in accepted and name not in _COMMON
    ]


def _explain_argument(
    config: dict, name: str, accepted: list[str], place: str
) -> Problem:
    close = difflib.get_close_matches(name, accepted, 1)
    hint = f'did you mean {close[0]}?' if close else f'it takes {", ".join(accepted)}'
    return Problem(
        f'{place}.{name}',
        f'is {config[name]!r}; {config["type"]} has no argument {name}',
        hint,
    )


def _list_names(registry: Registry | None) -> list[str]:
    """Names that a registry and its parents know."""
    names: list[str] = []
    while registry is not None:
        names += [name for name in registry.module_dict if isinstance(name, str)]
        registry = registry.parent
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
        names += [
            p.name
            for p in parameters
            if p.kind in (p.KEYWORD_ONLY, p.POSITIONAL_OR_KEYWORD) and p.name != 'self'
        ]
        if all(p.kind != p.VAR_KEYWORD for p in parameters):
            return names
        # **kwargs go to the next class that has a constructor
    return None


def find_culprits(error: BaseException) -> list[str]:
    """Names of the classes whose constructors raised, innermost first."""
    return _BUILT_CLASS.findall(str(error))[::-1]


def explain_mistake(error: BaseException, place: str) -> Problem:
    """What MMEngine's registry says about a component -> a problem with its fix."""
    # a KeyError's own text is the repr of its message
    message = error.args[0] if isinstance(error, KeyError) and error.args else error
    text = ' '.join(str(message).split())
    unknown = _UNKNOWN_TYPE.search(text)
    if unknown:
        return Problem(
            place,
            f'needs {unknown[1]}, which is not registered',
            'check the spelling, or import its package in custom_imports',
        )
    text = _BUILT_CLASS.sub('', text).strip('\'"')[:600]
    fault, _, fix = text.partition('. Fix: ')  # where the class states one
    return Problem(
        place, f'cannot be built: {fault}', fix or 'correct it in the config'
    )
