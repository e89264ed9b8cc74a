"""Mistakes that a user can mend, told in one sentence instead of a traceback."""

import contextlib
import sys
from collections.abc import Iterator

__all__ = ['UserError', 'report_user_errors']


class UserError(Exception):
    """A user's mistake. The text names the value, the file or setting, and the remedy."""


@contextlib.contextmanager
def report_user_errors() -> Iterator[None]:
    """Print a `UserError` as one line on standard error and exit with code 2."""
    try:
        yield
    except UserError as error:
        print(f'gm_pose: error: {error}', file=sys.stderr, flush=True)
        sys.exit(2)
