"""Rows -> the tables of `on_gpu.md`."""

from pathlib import Path
from typing import Any

from benchmarks.gpu.row_file import read_rows

_HEAD = """# On one GPU

Made by `python benchmarks/on_gpu.py`. People are crops of 256x192 px, the network is Simple
Baseline with ResNet-50 from `configs/set2_res50_coco.py` without pretrained weights, inputs
are random. `ms` is a median, or in the whole loop a mean; `cpu ms` is the process's CPU
time, all threads, until a call returns; `peak gb` is allocated memory by PyTorch's count.
Compare rows of one `day`: the cards are alike, the machines around them were not.
"""
_TITLES = {
    'network': 'Network alone, one training step',
    'loop': "Whole loop, MMEngine's Runner",
    'resume': 'kill -9 and resume',
    'data': 'From batch to device',
    'product': 'Block, targets and decoding',
    'predict': 'Prediction from pictures in memory, boxes given',
    'ddp': 'One process with DistributedDataParallel',
    'accuracy': 'Same accuracy',
}
_HIDDEN = ('section', 'name', 'log')


def write_report(folder: Path) -> str:
    """Write `on_gpu.md` from the rows that are there -> its text."""
    text = make_report(folder)
    (folder / 'on_gpu.md').write_text(text)
    return text


def make_report(folder: Path) -> str:
    """All rows of a folder -> markdown, one table a section."""
    rows = read_rows(folder)
    machine = [row for row in rows if row['section'] == 'machine']
    parts = [_HEAD]
    if machine:
        parts.append(', '.join(f'{machine[-1][key]}' for key in ('device', 'versions')))
    if (folder / 'note.md').exists():
        parts.append((folder / 'note.md').read_text())
    for section, title in _TITLES.items():
        own = [row for row in rows if row['section'] == section]
        # measured again: the newest
        own = list({_identify(row): row for row in own}.values())
        if own:
            parts.append(f'## {title}\n\n{_make_table(own)}')
    return '\n\n'.join(part.strip() for part in parts) + '\n'


def _identify(row: dict[str, Any]) -> tuple:
    return tuple(row.get(key) for key in ('name', 'batch', 'work', 'dtype', 'day'))


def _make_table(rows: list[dict[str, Any]]) -> str:
    measured = [row for row in rows if 'failed' not in row]
    columns = list(dict.fromkeys(key for row in measured for key in row))
    columns = [column for column in columns if column not in _HIDDEN]
    lines = [
        f'| | {" | ".join(column.replace("_", " ") for column in columns)} |',
        '|---' * (len(columns) + 1) + '|',
    ]
    for row in measured:
        cells = (_format(row.get(column)) for column in columns)
        lines.append(f'| {row["name"]} | {" | ".join(cells)} |')
    if not measured:
        lines = []
    lines += [
        f'\n{row["name"]}: not measured ({row["failed"]})'
        for row in rows
        if 'failed' in row
    ]
    return '\n'.join(lines)


def _format(value: Any) -> str:
    if value is None:
        return ''
    return f'{value:g}' if isinstance(value, float) else str(value)
