"""Mistakes that a user can fix: a line each instead of a traceback."""

import contextlib
import sys
from collections.abc import Iterator, Sequence

__all__ = ['UserError', 'UserErrors', 'as_user_errors', 'report_user_errors']


class UserError(Exception):
    """A user's mistake. The text names the value, the file or setting, and the fix."""

    @property
    def lines(self) -> list[str]:
        """One line for each mistake."""
        return [' '.join(str(self).split())]


class UserErrors(UserError):
    """Several mistakes, found together.

    Args:
        texts: one for each mistake.
    """

    def __init__(self, texts: Sequence[str]) -> None:
        super().__init__('\n'.join(texts))
        self.texts = list(texts)

    @property
    def lines(self) -> list[str]:
        total = len(self.texts)
        lines = [' '.join(text.split()) for text in self.texts]
        return [f'{n}/{total}: {line}' for n, line in enumerate(lines, 1)]


@contextlib.contextmanager
def as_user_errors(*kinds: type[Exception]) -> Iterator[None]:
    """Raise errors of these kinds, whose texts are made for users, as `UserError`."""
    try:
        yield
    except kinds as error:
        raise UserError(str(error)) from error


@contextlib.contextmanager
def report_user_errors() -> Iterator[None]:
    """Print each mistake of a `UserError` as a line on standard error; exit with 2.

    An error of a data loader's worker arrives as the text of the worker's traceback,
    whose last line is the message.
    """
    try:
        yield
    except UserError as error:
        for line in error.lines:
            if 'in DataLoader worker process' in line:
                line = line.rsplit('UserError: ', 1)[-1]
            print(f'gm_pose: error: {line}', file=sys.stderr, flush=True)
        sys.exit(2)
