"""What a check finds, and all that was found."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from gm_pose.runs.user_errors import UserError, UserErrors

__all__ = ['Problem', 'ProblemList']


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong with a run.

    Args:
        place: config path, file or option.
        fault: what is wrong there, a verb first: 'is 3; expected a dict'.
        fix: what to do about it.
    """

    place: str
    fault: str
    fix: str = ''

    def __str__(self) -> str:
        text = f'{self.place} {self.fault}'.strip()
        return f'{text.rstrip(".")}. Fix: {self.fix}' if self.fix else text


class ProblemList:
    """All that is wrong with a run, in the order in which it was found."""

    def __init__(self) -> None:
        self._found: list[tuple[str, str]] = []

    def add(self, problems: Iterable[Problem]) -> None:
        """Keep problems, except where that place, or one inside it, has one already.

        A component that cannot be built because of an argument reported before would be
        reported twice otherwise.
        """
        for problem in problems:
            place = problem.place
            inside = [p for p, _ in self._found if f'{p}.'.startswith(f'{place}.')]
            if not inside or ' ' in place:  # no config path: 'the config has no ...'
                self._found.append((place, str(problem)))

    def call(self, function: Callable[..., Any], *args: Any) -> Any:
        """Result of a function; its `UserError` is kept, and None returned."""
        try:
            return function(*args)
        except UserError as error:
            self._found.append(('', str(error)))
            return None

    @property
    def texts(self) -> list[str]:
        """One text for each problem."""
        return [text for _, text in self._found]

    def raise_errors(self) -> None:
        """Raise all of them as one error.

        Raises:
            UserError: there are any.
        """
        if len(self._found) == 1:
            raise UserError(self.texts[0])
        if self._found:
            raise UserErrors(self.texts)
