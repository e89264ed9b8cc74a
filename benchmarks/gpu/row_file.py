"""Rows of measurements in a file, one JSON object a line; imports no PyTorch."""

import json
from pathlib import Path
from typing import Any

__all__ = ['read_rows', 'write_row']

_NAME = 'rows.jsonl'


def write_row(folder: Path, **values: Any) -> None:
    """Append a row; floats keep four digits, and what is None is left out."""
    row = {
        key: float(f'{value:.4g}') if isinstance(value, float) else value
        for key, value in values.items()
        if value is not None
    }
    line = json.dumps(row)
    print(line, flush=True)
    with (folder / _NAME).open('a') as file:
        file.write(line + '\n')


def read_rows(folder: Path) -> list[dict[str, Any]]:
    """Rows in the order in which they were written."""
    path = folder / _NAME
    lines = path.read_text().splitlines() if path.exists() else []
    return [json.loads(line) for line in lines]
