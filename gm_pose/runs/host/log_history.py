"""MMEngine copies the whole history of a logged value to add one number to it.

Each iteration adds to five of them (losses, times, learning rate). At the end of MMPose's
COCO recipe on one GPU, 490,000 iterations, that takes 4 ms of each.
"""

import functools
import weakref
from collections.abc import Callable
from types import ModuleType
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ['install_appending']

_FEWEST_SPARE = 64
_NAMES = ('_log_history', '_count_history')


class _Room(NamedTuple):
    """Memory that holds a history, with room behind it."""

    memory: 'NDArray[Any]'
    history: 'NDArray[Any]'  # the part of it that the buffer holds
    end: int  # of that part


def install_appending(module: ModuleType) -> None:
    """Let the `HistoryBuffer` of `mmengine.logging.history_buffer` grow in place.

    What it holds is the same at every moment, also in a checkpoint, and arrays that it has
    given away do not change. Histories of integers that meet a fraction, and whatever is
    no number, go MMEngine's way.
    """
    buffer_class = module.HistoryBuffer
    original: Callable[..., None] = buffer_class.update
    rooms: weakref.WeakKeyDictionary[Any, dict[str, _Room]] = (
        weakref.WeakKeyDictionary()
    )

    @functools.wraps(original)
    def update(self: Any, log_val: Any, count: Any = 1) -> None:
        values = dict(zip(_NAMES, (log_val, count), strict=True))
        fits = (_fits(getattr(self, name), values[name]) for name in _NAMES)
        if self.max_length < 1 or not all(fits):
            original(self, log_val, count)
            return
        own = rooms.setdefault(self, {})
        for name in _NAMES:
            history = getattr(self, name)
            room = _append(own.get(name), history, values[name], self.max_length)
            own[name] = room
            setattr(self, name, room.history)

    buffer_class.update = update


def _fits(history: Any, value: Any) -> bool:
    """Whether appending the number leaves the type of the array as it is."""
    if type(value) is float:
        return history.dtype == 'float64'
    if type(value) is int:
        return history.dtype in ('float64', 'int64') and abs(value) < 2**53
    return False


def _append(
    room: _Room | None, history: 'NDArray[Any]', value: float, most: int
) -> _Room:
    """A history, in its room if it has one, and a number -> the last `most` of them."""
    if room is None or room.history is not history:  # the buffer was given another
        room = _Room(history, history, len(history))
    memory, _, end = room
    if end == len(memory):
        import numpy as np  # not before the host's packages are

        end = len(history)
        memory = np.empty(end + max(end, _FEWEST_SPARE), history.dtype)
        memory[:end] = history
    memory[end] = value
    start = max(end - len(history), end + 1 - most)
    return _Room(memory, memory[start : end + 1], end + 1)
