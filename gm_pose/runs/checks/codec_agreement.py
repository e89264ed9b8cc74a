"""One codec in a config: encoder, decoder and the `codec` variable must agree.

MMEngine merges dictionaries and replaces lists, so a child config that changes only
`codec` and the head's `decoder` goes on training on the targets of its base: the
`GenerateTarget` in the base's pipeline list keeps the base's codec.
"""

import os.path as osp
from collections.abc import Iterator
from typing import Any

from mmengine.config import Config

from gm_pose.runs.checks.outline import Outline, find, read_outline
from gm_pose.runs.problem import Problem
from gm_pose.runs.user_errors import UserError

__all__ = ['check_codec_agreement', 'expand_codec_options', 'find_searched_options']


def check_codec_agreement(outline: Outline) -> list[Problem]:
    """Encoders and decoder are equal to `cfg.codec`.

    Configs without a `codec` variable, or with several codecs in a list (MMPose's
    mixed-target recipes), are left to their authors.
    """
    codec = outline.cfg.get('codec')
    if not isinstance(codec, dict) or 'type' not in codec:
        return []
    codec, found = _strip(codec), []
    for place in outline.codec_copies:
        if not isinstance(place.config, dict):
            continue
        copy = _strip(place.config)
        keys = [k for k in sorted({*copy, *codec}) if _show(copy, k) != _show(codec, k)]
        if keys:
            found.append(
                Problem(
                    place.path,
                    f'has {", ".join(_show(copy, key) for key in keys)} and the '
                    f"config's codec has {', '.join(_show(codec, key) for key in keys)}"
                    ', so training and decoding disagree',
                    'change both with --cfg-options codec.NAME=VALUE, or see '
                    'docs/use-the-codec.md',
                )
            )
    return found


def _strip(codec: dict) -> dict:
    """Without `_scope_`, which MMEngine adds to what comes from ``mmpose::`` bases."""
    return {key: value for key, value in codec.items() if key != '_scope_'}


def _show(codec: dict, key: str) -> str:
    return f'{key}={codec[key]!r}' if key in codec else f'no {key}'


def expand_codec_options(cfg: Config, options: dict[str, Any]) -> dict[str, Any]:
    """Make `codec.NAME=VALUE` reach every copy of the codec in the config.

    Args:
        cfg: the config that the options will be merged into.
        options: what `--cfg-options` gave, dotted path -> value.

    Returns:
        The options, with one more entry for each copy of each `codec.` option.

    Raises:
        UserError: the config has no `codec`.
    """
    names = [path for path in options if path.startswith('codec.')]
    if not names:
        return options
    if not isinstance(cfg.get('codec'), dict):
        raise UserError(
            f'--cfg-options {names[0]} sets a codec; expected a config with one'
        )
    expanded = dict(options)
    for place in read_outline(cfg, splits=()).codec_copies:
        for path in names if isinstance(place.config, dict) else ():
            option = path.removeprefix('codec.')
            expanded.setdefault(f'{place.path}.{option}', options[path])
    return expanded


def find_searched_options(cfg: Config, path: str) -> dict[str, Any]:
    """What `mim gridsearch` set in a config's `codec` -> options for all copies of it.

    It writes each combination into a config of its own, with every copy of the codec
    spelled out, and changes the one place that was searched. The file's name states which:
    ``NAME_search_codec.sigmas.mean_1.2.py``.
    """
    _, found, settings = osp.basename(path).partition('_search_')
    names = _iter_paths(cfg.get('codec'), 'codec') if found else ()
    return {name: find(cfg, name) for name in names if f'_{name}_' in f'_{settings}'}


def _iter_paths(node: Any, path: str) -> Iterator[str]:
    """Dotted paths of everything below a dict."""
    for key, value in node.items() if isinstance(node, dict) else ():
        yield f'{path}.{key}'
        yield from _iter_paths(value, f'{path}.{key}')
