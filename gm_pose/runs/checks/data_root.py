"""`--cfg-options data_root=FOLDER`: the files of a config that lie below another folder."""

import re
from collections.abc import Iterator
from typing import Any

from mmengine.config import Config

from gm_pose.runs.checks.outline import find
from gm_pose.runs.user_errors import UserError

__all__ = ['expand_root_options']

_OPTION = re.compile(r'((?:train|val|test)_dataloader)\..*\bdata_root|data_root')


def expand_root_options(cfg: Config, options: dict[str, Any]) -> dict[str, Any]:
    """Make ``data_root=FOLDER`` reach every path that the config has joined already.

    Configs write ``ann_file=data_root + 'annotations/...'``: what remains in the merged
    config is a text in which the old folder stands.

    Args:
        cfg: the config that the options will be merged into.
        options: what `--cfg-options` gave, dotted path -> value. ``data_root`` is for the
            whole config, ``val_dataloader.dataset.data_root`` for the data and the
            evaluator of its split.

    Returns:
        The options, with one more entry for each path below the old folder; an entry that
        was given stays.

    Raises:
        UserError: ``data_root`` is given and nothing in the config has one.
    """
    expanded = dict(options)
    for name, folder in options.items():
        match = _OPTION.fullmatch(name)
        if match is None or not isinstance(folder, str):
            continue
        loader = match[1]
        places = (
            [loader, loader.replace('_dataloader', '_evaluator')] if loader else ['']
        )
        roots = [find(cfg, name)] if loader else _find_roots(cfg)
        roots = [root for root in roots if isinstance(root, str) and root]
        if not loader and len(roots) != 1:
            found = ' and '.join(roots) or 'no data_root'
            raise UserError(
                f'--cfg-options data_root is {folder}; the datasets have {found}. Fix: '
                'give one option for each, train_dataloader.dataset.data_root=FOLDER'
            )
        for root in roots:
            for place in places:
                node = cfg.get(place) if place else cfg._cfg_dict
                for path, text in _iter_texts(node, place):
                    rest = _below(text, root)
                    if rest is not None:
                        expanded.setdefault(path, _join(folder, rest))
    return expanded


def _find_roots(cfg: Config) -> list[Any]:
    """The config's `data_root`; without one, those of its datasets."""
    if cfg.get('data_root'):
        return [cfg.data_root]
    texts = _iter_texts(cfg._cfg_dict, '')
    return sorted({text for path, text in texts if path.endswith('.data_root')})


def _iter_texts(node: Any, path: str) -> Iterator[tuple[str, str]]:
    """Every text at and below `node` -> (dotted path, text)."""
    if isinstance(node, str):
        yield path, node
        return
    if isinstance(node, dict):
        inner = list(node.items())
    else:
        inner = list(enumerate(node)) if isinstance(node, (list, tuple)) else []
    for key, value in inner:
        yield from _iter_texts(value, f'{path}.{key}' if path else str(key))


def _below(text: str, root: str) -> str | None:
    """'data/coco/a.json', 'data/coco/' -> 'a.json'; None where it is elsewhere."""
    root = root.rstrip('/')
    if text.rstrip('/') == root:
        return ''
    return text[len(root) + 1 :] if text.startswith(f'{root}/') else None


def _join(folder: str, rest: str) -> str:
    return f'{folder.rstrip("/")}/{rest}'
