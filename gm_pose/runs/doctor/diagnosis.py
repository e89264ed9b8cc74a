"""What a check of the environment says."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ['FAULT', 'OK', 'WARNING', 'Diagnosis']

OK, WARNING, FAULT = 'ok', 'warning', 'FAULT'


@dataclass(frozen=True)
class Diagnosis:
    """What a check found.

    Args:
        state: OK, WARNING (training works, something else may not) or FAULT (it fails).
        text: what was found.
        remedy: the one command, or setting, that fixes it; empty if all is well.
    """

    state: str
    text: str
    remedy: str = ''

    def format(self, name: str) -> str:
        """One line."""
        end = f' -> {self.remedy}' if self.remedy else ''
        return f'{self.state:8s}{name}: {" ".join(self.text.split())}{end}'
