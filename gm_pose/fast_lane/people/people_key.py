"""What a dataset's people depend on, without reading them."""

import copy
import hashlib
import importlib
import inspect
import json
import os.path as osp
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from gm_pose.codecs.base_codec import to_plain
from gm_pose.fast_lane.people.people_from_coco import READERS
from gm_pose.runs.files.cache_folder import hash_file

__all__ = [
    'FORMAT_VERSION',
    'has_own_reader',
    'hash_arrays',
    'make_key',
    'make_shell',
]

FORMAT_VERSION = 2
"""Of the arrays and of the code that makes them."""

# Settings that do not change the people. The files and the folder of images are compared
# by content and by name below it.
_IRRELEVANT = (
    'type',
    'pipeline',
    'lazy_init',
    'serialize_data',
    'max_refetch',
    'data_root',
    'data_prefix',
    'metainfo',
    '_scope_',
)


def make_shell(dataset: Mapping[str, Any]) -> Any:
    """Config of a dataset -> MMPose's dataset with settings and metainfo, but no people.

    As it does for every dataset, MMPose tells `CocoMetric` where the annotations are.
    """
    from mmpose.registry import DATASETS

    settings = dict(to_plain(dataset), pipeline=[], lazy_init=True)
    return DATASETS.build(copy.deepcopy(settings))


def has_own_reader(kind: type) -> bool:
    """Whether a dataset's class is a user's, and reads files in a way of its own.

    What it depends on is not known: files that no setting names, the environment.
    """
    return any(
        cls.__module__.partition('.')[0] not in ('gm_pose', 'mmengine', 'mmpose')
        and any(name in vars(cls) for name in READERS)
        for cls in kind.__mro__
    )


def hash_arrays(arrays: Mapping[str, np.ndarray], notes: Mapping[str, Any]) -> str:
    """32 hexadecimal digits of what was read, where its origin is not known."""
    digest = hashlib.blake2b(digest_size=16)
    text = json.dumps([FORMAT_VERSION, notes], sort_keys=True, default=_to_json)
    digest.update(text.encode())
    for name, array in sorted(arrays.items()):
        digest.update(f'{name} {array.dtype} {array.shape} '.encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def make_key(dataset: Mapping[str, Any], shell: Any, cache: Path) -> str:
    """32 hexadecimal digits that differ where the people may.

    Args:
        dataset: config.
        shell: of `make_shell`.
        cache: keeps the hashes of files, see `hash_file`.
    """
    from mmpose.version import __version__ as mmpose_version

    settings = {
        name: value
        for name, value in to_plain(dataset).items()
        if name not in _IRRELEVANT
    }
    files = {}
    for name in [*settings]:
        path = getattr(shell, name, None)
        if isinstance(path, str) and osp.isfile(path):
            files[name] = hash_file(path, cache)
            del settings[name]
    described = dict(
        kind=_describe_class(type(shell)),
        settings=settings,
        files=files,
        metainfo=shell.metainfo,
        versions=[FORMAT_VERSION, mmpose_version, np.__version__.split('.')[0]],
    )
    text = json.dumps(described, sort_keys=True, default=_to_json)
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def _describe_class(kind: type) -> list[list[str]]:
    """A class and its bases, with the code of their modules: a user may edit his own."""
    described = []
    for cls in kind.__mro__:
        if cls is object:
            continue
        try:
            path = inspect.getsourcefile(importlib.import_module(cls.__module__))
            code = hash_file(path) if path else ''
        except (OSError, TypeError, ImportError):  # defined in a notebook
            code = ''
        described.append([cls.__module__, cls.__qualname__, code])
    return described


def _to_json(value: Any) -> Any:
    if isinstance(value, (np.ndarray, np.generic)):
        return value.tolist()
    if isinstance(value, (set, frozenset)):
        return sorted(value, key=repr)
    return repr(value)
