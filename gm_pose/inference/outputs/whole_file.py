"""A file that is written bit by bit and takes its name when it is whole."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from gm_pose.runs.files.atomic_files import (
    PARTIAL_SUFFIX,
    explain_write_error,
    refuse_devices,
)

__all__ = ['write_whole']


@contextlib.contextmanager
def write_whole(path: Path) -> Iterator[Path]:
    """A path to write to, which becomes `path` unless an error is raised.

    The suffix stays: writers of videos and tables go by it.

    Raises:
        UserError: it cannot be written; the text says why.
    """
    partial = path.with_name(f'.{path.stem}{PARTIAL_SUFFIX}{path.suffix}')
    try:
        refuse_devices(path)
        yield partial
        if partial.exists():
            with open(partial, 'rb+') as file:
                os.fsync(file.fileno())
            os.replace(partial, path)
    except OSError as error:
        raise explain_write_error(error, str(path), option='--out') from error
    finally:
        partial.unlink(missing_ok=True)
