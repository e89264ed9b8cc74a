"""JSON files of any size, with what is wrong with them in one line."""

import codecs
import contextlib
import gc
import json
from collections.abc import Iterator
from typing import Any

import msgspec

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


def read_json(path: str, layout: Any = Any) -> Any:
    """JSON file -> value.

    Args:
        path: the file.
        layout: `TypedDict` of the fields that are kept, where the file has them; the others
            are looked at and no objects made of them. A file of another layout is read
            whole.

    Raises:
        UserError: the file is missing, too large, truncated, no JSON, or of an encoding
            that MMPose does not read.
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
            content = file.read()
        _check_encoding(content, path)
        with no_garbage_collection():
            return _parse(content, layout)
    except OSError as error:
        raise UserError(f'{path} cannot be read: {error.strerror}') from error
    except UnicodeDecodeError as error:
        raise UserError(
            f'{path} is no JSON file in UTF-8 (byte {error.start} is '
            f'{content[error.start]:#x}). Fix: give a COCO keypoint file, saved as UTF-8'
        ) from error
    except RecursionError as error:
        raise UserError(
            f'{path} is no JSON file (RecursionError). Fix: give a COCO keypoint file'
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


def _parse(content: bytes, layout: Any) -> Any:
    """msgspec takes half the time; json knows NaN and says what is wrong where."""
    if not content.isascii():  # msgspec does not look at what it leaves out
        content.decode()
    try:
        return msgspec.json.decode(content, type=layout)
    except msgspec.DecodeError as error:  # ValidationError is one
        if layout is not Any and isinstance(error, msgspec.ValidationError):
            return _parse(content, Any)
        return json.loads(content)


# Marks that editors and exporters of Windows write; UTF-32's begins with UTF-16's.
_MARKS = {
    codecs.BOM_UTF8: 'utf-8-sig',
    codecs.BOM_UTF32_LE: 'utf-32',
    codecs.BOM_UTF32_BE: 'utf-32',
    codecs.BOM_UTF16_LE: 'utf-16',
    codecs.BOM_UTF16_BE: 'utf-16',
}


def _check_encoding(content: bytes, path: str) -> None:
    """MMPose and xtcocotools read UTF-8 without a byte-order mark, and nothing else.

    Raises:
        UserError: the file has a mark, or every second byte of its beginning is 0.
    """
    encoding = next((e for mark, e in _MARKS.items() if content.startswith(mark)), None)
    if encoding is None and b'\0' in content[:4]:
        encoding = json.detect_encoding(content)
    if encoding is None or encoding == 'utf-8':
        return
    what = 'begins with a byte-order mark' if encoding == 'utf-8-sig' else 'is'
    what += '' if encoding == 'utf-8-sig' else f' {encoding.upper()}'
    raise UserError(
        f'{path} {what}; MMPose reads plain UTF-8. Fix: python -c "from pathlib import '
        f"Path; p = Path({path!r}); p.write_text(p.read_text('{encoding}'), 'utf-8')\""
    )
