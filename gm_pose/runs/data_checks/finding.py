"""One kind of fault in a dataset."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

NUM_EXAMPLES = 5


@dataclass
class Finding:
    """How often a fault occurs, where, and what it does to a training.

    Args:
        name: the fault.
        effect: what MMPose makes of it.
        harmful: whether training or evaluation is harmed; otherwise it is good to know.
        count: number of annotations, images or joints that have it.
        examples: the first few of them.
    """

    name: str
    effect: str
    harmful: bool
    count: int = 0
    examples: list[str] = field(default_factory=list)

    def add(self, items: Iterable[Any], kind: str = 'id') -> Finding:
        """Count `items`, and keep the first as examples."""
        items = list(items)
        self.count += len(items)
        room = NUM_EXAMPLES - len(self.examples)
        self.examples += [f'{kind} {item}' for item in items[: max(room, 0)]]
        return self

    def format(self) -> str:
        """One line, or two with examples."""
        mark = 'HARM' if self.harmful else 'note'
        if not self.count:
            return f'  ok    {self.name}: 0'
        more = ', ...' if self.count > len(self.examples) else ''
        where = ', '.join(self.examples) + more
        return f'  {mark}  {self.name}: {self.count} ({self.effect})\n        {where}'
