"""MMEngine formats a run's config with yapf four times before the first iteration.

Once for the log, twice for files, once for the checkpoints' metainfo: 0.3 to 2 s of CPU
each for MMPose's COCO recipes, and again at every checkpoint.
"""

import functools
from collections.abc import Callable
from types import ModuleType
from typing import Any

__all__ = ['install_memory']

_MOST_TEXTS = 4


def install_memory(config: ModuleType) -> None:
    """Let `mmengine.config.config` keep the last texts that it formatted."""
    original: Callable[..., Any] = config.FormatCode

    @functools.lru_cache(maxsize=_MOST_TEXTS)
    def format_once(text: str, settings: tuple) -> Any:
        style, options = settings
        return original(text, style_config=dict(style), **dict(options))

    @functools.wraps(original)
    def format_code(text: str, *, style_config: Any, **options: Any) -> Any:
        if not isinstance(style_config, dict):
            return original(text, style_config=style_config, **options)
        settings = tuple(style_config.items()), tuple(options.items())
        return format_once(text, settings)

    config.FormatCode = format_code  # type: ignore[attr-defined]
