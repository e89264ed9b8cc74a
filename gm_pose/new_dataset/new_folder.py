"""A folder that appears with all of its files, or not at all."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from gm_pose.runs.files.atomic_files import explain_write_error
from gm_pose.runs.user_errors import UserError

__all__ = ['make_new_folder', 'require_new']


def require_new(out: Path) -> None:
    """Refuse a place that is taken.

    Raises:
        UserError: a file, a folder that is not empty or the current one, or a name that
            cannot be written into a line of a config.
    """
    if not str(out).isprintable():
        raise UserError(f'--out is {str(out)!r}; expected a name on one line')
    if out.exists() and os.path.samefile(out, os.curdir):
        raise UserError(
            f'--out {out} is the current folder; expected a new one. Fix: --out NAME'
        )
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UserError(
            f'--out {out} exists; expected a new folder. Fix: --out OTHER, or remove it'
        )


@contextlib.contextmanager
def make_new_folder(out: Path) -> Iterator[Path]:
    """Give a folder to write into, which takes the name `out` when all went well.

    It lies beside `out`, hidden, and is removed after an error.

    Raises:
        UserError: the place is taken or cannot be written.
    """
    require_new(out)
    partial = out.parent / f'.{out.name}.part'
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(partial, ignore_errors=True)  # of a run that was killed
        partial.mkdir()
    except OSError as error:
        raise explain_write_error(error, str(out), option='--out') from error
    try:
        yield partial
        os.replace(partial, out)
    except OSError as error:
        raise explain_write_error(error, str(out), option='--out') from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
