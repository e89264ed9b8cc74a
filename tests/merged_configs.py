"""What the shipped configs are after merging, as a table that a reviewer can read.

    python tests/merged_configs.py

writes tests/merged_configs.json anew: the values of the base config that run, and of every
other config those that differ from it. It holds a change to the configs' wiring to what it
means: a refactoring leaves the table as it is.
"""

import json
from pathlib import Path
from typing import Any

from mmengine.config import Config

CONFIGS = Path(__file__).parents[1] / 'configs'
TABLE = Path(__file__).with_suffix('.json')
BASE = 'res50_coco_256x192.py'
KEYS = (
    'codec',
    'model',
    'train_pipeline',
    'train_dataloader',
    'val_dataloader',
    'test_dataloader',
    'val_evaluator',
    'test_evaluator',
    'train_cfg',
    'optim_wrapper',
    'param_scheduler',
    'auto_scale_lr',
    'custom_imports',
    'fast_lane',
)
ABSENT = '(absent)'


def flatten(node: Any, path: str = '') -> dict[str, Any]:
    """Nested values -> dotted path, value; without `_scope_`, MMEngine's note of a file."""
    if isinstance(node, dict) and node:
        inner = [(key, value) for key, value in node.items() if key != '_scope_']
    elif isinstance(node, (list, tuple)) and any(isinstance(n, dict) for n in node):
        inner = list(enumerate(node))
    else:
        value = str(node).replace(f'{CONFIGS}/', '') if isinstance(node, str) else node
        return {path: list(value) if isinstance(value, tuple) else value}
    flat = {}
    for key, value in inner:
        flat |= flatten(value, f'{path}.{key}' if path else str(key))
    return flat


def make_table() -> dict[str, dict[str, Any]]:
    """Basename -> flat values of the base, or what differs from them; by name."""
    flat = {}
    for path in sorted(CONFIGS.rglob('*.py')):
        if 'datasets' not in path.parts:
            cfg = Config.fromfile(path).to_dict()
            flat[path.name] = flatten({key: cfg[key] for key in KEYS})
    base = flat.pop(BASE)
    table = {BASE: dict(sorted(base.items()))}
    for name, values in sorted(flat.items()):
        table[name] = {
            path: values.get(path, ABSENT)
            for path in sorted({*base, *values})
            if values.get(path, ABSENT) != base.get(path, ABSENT)
        }
    return table


if __name__ == '__main__':
    TABLE.write_text(json.dumps(make_table(), indent=1) + '\n')
