"""The terminal's part of a run's log: what a person needs, once.

MMEngine prints some 400 lines before the first iteration (environment, config, the order of
the hooks), most of them a second time for the test, and pycocotools a dozen for each
evaluation. They stay whole in the log file; the terminal gets a line in their place, or
none. Errors, and warnings that are not listed here, are never touched.
"""

import contextlib
import re
import sys
import warnings
from collections.abc import Iterator
from typing import Any, TextIO

__all__ = ['shorten_log', 'shorten_message']

# What MMEngine logs at every start, or once an epoch, whatever the run.
_DROPPED = re.compile(
    r'Hooks will be executed in the following order'
    r'|Distributed training is not used, all SyncBatchNorm'
    r'|"FileClient" will be deprecated'
    r'|"HardDiskBackend" is the alias of'
    r'|Exp name: '
)
# What pycocotools, xtcocotools and MMEngine print without a logger.
_PRINTED = re.compile(
    r'loading annotations into memory\.\.\.|creating index\.\.\.|index created!'
    r'|Loading and preparing results\.\.\.|Running per image evaluation\.\.\.'
    r'|Evaluate annotation type \*\w+\*|Accumulating evaluation results\.\.\.'
    r'|D(one|ONE) \(t=[\d.]+s\)\.?|Loads checkpoint by \w+ backend from path: .*'
)
_PREFIX = re.compile(r'[\d/]+ [\d:]+ - \S+ - \S+ - ')
_ENVIRONMENT = re.compile(
    r'^ *(Python: [\d.]+|PyTorch: \S+|CUDA available: \w+|GPU [\d,]+: .+|seed: \S+)',
    re.MULTILINE,
)
_WORK_DIR = re.compile(r"^work_dir ?= ?'(.*)'", re.MULTILINE)


def shorten_message(text: str) -> str:
    """One message of MMEngine's, prefix included -> its text for the terminal, or ''."""
    prefix = _PREFIX.match(text)
    if prefix is None:
        return text
    head, body = prefix[0], text[prefix.end() :]
    if _DROPPED.match(body):
        return ''
    if re.match(r'\n-+\nSystem environment:\n', body):
        return f'{head}{", ".join(_ENVIRONMENT.findall(body))}\n'
    work_dir = _WORK_DIR.search(body) if body.startswith('Config:\n') else None
    if work_dir is not None:
        return (
            f'{head}environment, config and hooks in full: the log below {work_dir[1]} '
            '(--full-log prints them)\n'
        )
    return text


class _ShortStream:
    """A text stream whose known messages are shortened; all else goes on as it is."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._drops_newline = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        drops_newline, self._drops_newline = self._drops_newline, False
        if drops_newline and text == '\n':  # `print` writes it apart
            return 1
        if _PRINTED.fullmatch(text.rstrip('\n')):
            self._drops_newline = not text.endswith('\n')
            return len(text)
        shown = shorten_message(text)
        if shown:
            self._stream.write(shown)
        return len(text)


@contextlib.contextmanager
def shorten_log() -> Iterator[None]:
    """Shorten what MMEngine, MMPose and pycocotools print in this block.

    MMEngine's loggers write to the `sys.stdout` that they find when they are made, so the
    runner must be built inside.
    """
    # MMPose looks for each dataset's metainfo in the current folder first, in vain.
    warnings.filterwarnings('ignore', 'The metainfo config file', UserWarning)
    with contextlib.redirect_stdout(_ShortStream(sys.stdout)):
        yield
