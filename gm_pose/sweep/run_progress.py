"""How much of a training is done, from what MMEngine logs."""

import json
from pathlib import Path

__all__ = ['measure_progress']

_TAIL_BYTES = 2048


def measure_progress(folder: Path, length: int, by_epoch: bool) -> float | None:
    """Work directory of a run -> part of its training, 0 to 1; None before the first line.

    Args:
        folder: of the run.
        length: epochs, or iterations, of the whole training.
        by_epoch: which of them `length` counts.
    """
    files = sorted(folder.glob('*/vis_data/scalars.json'))
    for file in reversed(files):
        row = _read_last(file)
        if row is None or 'step' not in row:
            continue
        if not by_epoch:
            return min(row['step'] / length, 1.0)
        if 'epoch' in row:
            # the epoch that a line is of has begun: half of it, on average
            return min(max(row['epoch'] - 0.5, 0) / length, 1.0)
    return None


def _read_last(file: Path) -> dict[str, float] | None:
    """The last whole line."""
    with file.open('rb') as stream:
        stream.seek(max(stream.seek(0, 2) - _TAIL_BYTES, 0))
        lines = stream.read().splitlines()
    for line in reversed(lines):
        try:
            row = json.loads(line)
        except ValueError:
            continue
        if isinstance(row, dict):
            return row
    return None
