"""Plain values of a checkpoint that MMEngine acts upon when it resumes.

Nothing executable need be pickled for them to do harm: `Runner.resume` executes the text
``meta['config']``, and `CheckpointHook` deletes what the saved run calls its last best
checkpoint (a folder with all that is in it) and the files that its old ids name.
"""

import os
import re
from collections.abc import Iterator
from typing import Any

# What CheckpointHook names its best checkpoints: best_{metric}_{epoch_N or iter_N}.pth
_BEST_NAME = re.compile(r'best_.*\.pth', re.DOTALL)


def drop_unsafe_fields(checkpoint: Any) -> list[str]:
    """Take those values out of a checkpoint, in place -> what was dropped, and why."""
    return list(_drop_unsafe_fields(checkpoint))


def _drop_unsafe_fields(checkpoint: Any) -> Iterator[str]:
    meta = _get_dict(checkpoint, 'meta')
    if 'config' in meta:
        del meta['config']
        yield 'meta.config, Python text (of MMCV 1) that resuming would execute'
    info = _get_dict(_get_dict(checkpoint, 'message_hub'), 'runtime_info')
    for key in [key for key in info if str(key).startswith('best_ckpt')]:
        value = info[key]
        name = os.path.basename(value) if isinstance(value, str) else ''
        if value is not None and not _BEST_NAME.fullmatch(name):
            del info[key]
            yield f'{key} {value!r}, which training would delete and is no checkpoint'
    ids = info.get('keep_ckpt_ids')
    if ids is not None and not (
        isinstance(ids, list) and all(type(step) is int for step in ids)
    ):
        del info['keep_ckpt_ids']
        yield f'keep_ckpt_ids {ids!r}, of which training would delete the files'


def _get_dict(parent: Any, key: str) -> dict:
    """parent[key] where both are dicts, else an empty one."""
    value = parent.get(key) if isinstance(parent, dict) else None
    return value if isinstance(value, dict) else {}
