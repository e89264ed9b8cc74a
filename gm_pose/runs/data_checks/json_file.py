"""JSON files of any size, with what is wrong with them in one line."""

import contextlib
import gc
import json
from collections.abc import Iterator
from typing import Any

from gm_pose.runs.user_errors import UserError

__all__ = ['no_garbage_collection', 'read_json']

MAX_BYTES = 8_000_000_000
"""Largest annotation file accepted: COCO train2017 has 2.4e8, Objects365 5e9 bytes."""


@contextlib.contextmanager
def no_garbage_collection() -> Iterator[None]:
    """Millions of small lists take 2.5 times as long with Python's collector on."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def read_json(path: str) -> Any:
    """JSON file -> value.

    Raises:
        UserError: the file is missing, too large, truncated or no JSON.
    """
    try:
        with open(path, 'rb') as file:
            size = file.seek(0, 2)
            if size > MAX_BYTES:
                raise UserError(
                    f'{path} has {size} bytes; expected at most {MAX_BYTES}. Fix: give a '
                    'COCO keypoint JSON file'
                )
            file.seek(0)
            with no_garbage_collection():
                return json.load(file)
    except OSError as error:
        raise UserError(f'{path} cannot be read: {error.strerror}') from error
    except (UnicodeDecodeError, RecursionError) as error:
        raise UserError(
            f'{path} is no JSON file ({type(error).__name__}). Fix: give a COCO keypoint '
            'file'
        ) from error
    except MemoryError as error:
        raise UserError(f'{path} does not fit into memory') from error
    except ValueError as error:
        end = getattr(error, 'pos', 0) >= size - 1 or 'Unterminated' in str(error)
        what = 'ends in the middle (truncated)' if end and size else 'is no JSON'
        raise UserError(
            f'{path} {what}: {error}. Fix: download or copy it again, or give a COCO '
            'keypoint file'
        ) from error
