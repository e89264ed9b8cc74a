"""Annotation files that were found right before, remembered by their content.

Checking COCO's file takes ten seconds of CPU; a start that reads an unchanged one again
takes its hash. Only a clean result is kept, for this content, this use of it, and these
rules: the code of the checks is part of the key.
"""

import contextlib
import functools
import hashlib
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from gm_pose.runs import data_checks
from gm_pose.runs.checks.component import Dataset, Split
from gm_pose.runs.data_checks.file_use import FileUse
from gm_pose.runs.files.atomic_files import write_atomically
from gm_pose.runs.files.cache_folder import find_cache_folder, hash_file
from gm_pose.runs.user_errors import UserError
from gm_pose.version import __version__

__all__ = ['AnnotationVerdict']

_MIN_BYTES = 4_000_000
"""Smaller files are checked in less time than a person notices."""


class AnnotationVerdict:
    """What was found in an annotation file, for all of its users.

    Args:
        path: of the file.
        users: the datasets that read it, how each uses it, and for which split.
        cache_dir: see `find_cache_folder`.
    """

    def __init__(
        self,
        path: str,
        users: Sequence[tuple[Split, Dataset, FileUse]],
        cache_dir: str | None = None,
    ) -> None:
        self._file: Path | None = None
        # The check itself reports the file; without a cache folder nothing is kept.
        with contextlib.suppress(OSError, UserError):
            if os.path.getsize(path) < _MIN_BYTES:
                return
            folder = find_cache_folder(cache_dir)
            described = dict(
                content=hash_file(path, folder),
                rules=_hash_rules(),
                users=[_describe(*user) for user in users],
            )
            text = json.dumps(described, sort_keys=True, default=repr)
            name = hashlib.blake2b(text.encode(), digest_size=16).hexdigest()
            self._file = folder / 'verdicts' / f'{name}.json'

    def read_images(self) -> list[dict[str, str]] | None:
        """Some entries of the clean file's `images`, to be looked for; None: check it."""
        if self._file is None:
            return None
        try:
            names = json.loads(self._file.read_bytes())['file_names']
            return [dict(file_name=str(name)) for name in names]
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def keep(self, images: Sequence[dict[str, Any]]) -> None:
        """Remember that nothing is wrong; where that cannot be written, it is not.

        Args:
            images: those of its `images` that are looked for at each start.
        """
        if self._file is None:
            return
        names = [str(image['file_name']) for image in images]
        with contextlib.suppress(OSError):
            self._file.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(self._file, json.dumps(dict(file_names=names)).encode())


def _describe(split: Split, dataset: Dataset, use: FileUse) -> list[Any]:
    """What a check of the file depends on beside the file."""
    try:
        count = dataset.num_keypoints
    except FileNotFoundError:
        count = None
    is_detected = bool(dataset.get('bbox_file')) and split.name != 'train'
    metrics = [
        [metric.get('type'), bool(metric.get('format_only'))]
        for metric in split.metrics
    ]
    return [repr(use), count, is_detected, metrics]


@functools.cache
def _hash_rules() -> str:
    """Version of the package, and the code of all checks."""
    folders = (Path(__file__).parent, *map(Path, data_checks.__path__))
    files = sorted(path for folder in folders for path in folder.glob('*.py'))
    return ' '.join([__version__, *(hash_file(path) for path in files)])
