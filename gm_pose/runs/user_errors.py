"""Mistakes that a user can mend, told in one sentence instead of a traceback."""

import contextlib
import sys
from collections.abc import Iterator

__all__ = ['UserError', 'as_user_errors', 'report_user_errors']


class UserError(Exception):
    """A user's mistake. The text names the value, the file or setting, and the remedy."""


@contextlib.contextmanager
def as_user_errors(*kinds: type[Exception]) -> Iterator[None]:
    """Raise errors of these kinds, whose texts are sentences already, as `UserError`."""
    try:
        yield
    except kinds as error:
        raise UserError(str(error)) from error


@contextlib.contextmanager
def report_user_errors() -> Iterator[None]:
    """Print a `UserError` as one line on standard error and exit with code 2.

    One from a data loader's worker arrives as the text of the worker's traceback, whose
    last line is the sentence.
    """
    try:
        yield
    except UserError as error:
        sentence = str(error)
        if 'in DataLoader worker process' in sentence:
            sentence = sentence.rsplit('UserError: ', 1)[-1]
        sentence = ' '.join(sentence.split())
        print(f'gm_pose: error: {sentence}', file=sys.stderr, flush=True)
        sys.exit(2)
