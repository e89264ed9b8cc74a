"""A place of the config that describes something to build."""

from dataclasses import dataclass
from typing import Any

__all__ = ['Component']


@dataclass(frozen=True)
class Component:
    """Something that the config describes: a dict with a `type`, if it is right.

    Args:
        path: dotted config path.
        config: what stands there.
    """

    path: str
    config: Any

    def get(self, key: str) -> Any:
        """A setting, or None where there is none or `config` is no dict."""
        return self.config.get(key) if isinstance(self.config, dict) else None
