"""A line that says how far a long run is, and how long it will take."""

import sys
import time
from typing import TextIO

from gm_pose.runs.count_words import count_words
from gm_pose.runs.launch.time_left import format_time

__all__ = ['Progress']


class Progress:
    """Writes to standard error: a line that is overwritten on a terminal, else one a while.

    Args:
        total: frames to be expected, None if nobody knows.
        stream: where to; None for standard error.
    """

    def __init__(self, total: int | None, stream: TextIO | None = None) -> None:
        self._total = total
        self._stream = stream or sys.stderr
        self._is_terminal = self._stream.isatty()
        self._began = self._shown = time.monotonic()
        self._frames = self._people = 0

    def add(self, people: int) -> None:
        """One more frame is done."""
        self._frames += 1
        self._people += people
        now = time.monotonic()
        if now - self._shown >= (0.2 if self._is_terminal else 15):
            self._shown = now
            self._write(now)

    def end(self) -> None:
        """The last line."""
        if self._is_terminal:
            self._write(time.monotonic())
            self._stream.write('\n')

    def _write(self, now: float) -> None:
        seconds = now - self._began
        text = count_words(self._frames, 'frame')
        if self._total is not None:
            text = f'{self._frames}/{count_words(self._total, "frame")}'
        text += f', {count_words(self._people, "person")}'
        if self._total is not None and 0 < self._frames < self._total:
            left = seconds / self._frames * (self._total - self._frames)
            text += f', {format_time(left)} left'
        text += f' ({self._frames / max(seconds, 1e-9):.1f} frames/s)'
        end = '\r' if self._is_terminal else '\n'
        self._stream.write(f'{text:<70}{end}' if self._is_terminal else text + end)
        self._stream.flush()
