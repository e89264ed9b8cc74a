"""Files of other programs that are not as these write them."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from gm_pose.runs.user_errors import UserError

__all__ = ['explain_malformed']


@contextlib.contextmanager
def explain_malformed(path: Path, place: object, tool: str) -> Iterator[None]:
    """Raise what reading a part of a file stumbles over as `UserError` that names it.

    Args:
        path: the file.
        place: the part, such as 'task 3'.
        tool: that the file is said to be of.
    """
    try:
        yield
    except (
        ArithmeticError,
        AttributeError,
        LookupError,
        TypeError,
        ValueError,
    ) as error:
        what = f'no {error}' if isinstance(error, KeyError) else str(error)
        raise UserError(
            f'{path}: {place} is not as {tool} writes it ({what}). Fix: export it again'
        ) from error
