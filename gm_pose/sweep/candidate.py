"""One table of sigmas that a sweep tries."""

import re
from dataclasses import dataclass
from typing import Any

__all__ = ['Candidate']

_NAME = re.compile(r'[A-Za-z0-9][A-Za-z0-9._^-]*')


@dataclass(frozen=True)
class Candidate:
    """A table of sigmas and its name.

    Attributes:
        name: also that of its folder.
        sigmas_cells: one number for all joints, or K, in cells of the heatmap.
        balance: whether each joint's loss is weighed by 1 / sigma^2; None: as the config
            has it.

    Raises:
        ValueError: a name that is no file name.
    """

    name: str
    sigmas_cells: tuple[float, ...]
    balance: bool | None = None

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise ValueError(
                f'candidate {self.name!r} is no file name; expected letters, digits and '
                '. _ ^ -'
            )

    @property
    def is_uniform(self) -> bool:
        return len(set(self.sigmas_cells)) == 1

    @property
    def codec_options(self) -> dict[str, Any]:
        """Arguments of the codec that make it this candidate's."""
        sigmas = self.sigmas_cells
        options: dict[str, Any] = dict(
            sigmas=sigmas[0] if len(sigmas) == 1 else list(sigmas)
        )
        if self.balance is not None:
            options['balance_weights'] = self.balance
        return options
