"""One run's config -> a hash by which its result is recognised."""

import hashlib
import json
from typing import Any

from mmengine.config import Config

from studies.variants.variant import LEGACY_ALIGNMENT

# Name of today -> name that the configs had when the kept results were recorded. A
# renamed option, value, class or file gets a line here, so that renaming alone never asks
# for a training to be repeated.
RECORDED_NAMES = {
    LEGACY_ALIGNMENT: 'msra',
    'studies/training/lspet_metainfo.py': 'studies/lspet_metainfo.py',
}
# Nothing here can change the weights that a run ends with, so a change of it does not
# make a finished training another one.
_NOT_TRAINING = (
    'evaluation_loader',
    'default_hooks',
    'log_processor',
    'visualizer',
    'env_cfg',
)


def restore_recorded_names(value: Any) -> Any:
    """Replace today's names in a config, keys and values alike, by the recorded ones."""
    if isinstance(value, dict):
        return {
            restore_recorded_names(key): restore_recorded_names(item)
            for key, item in value.items()
        }
    if isinstance(value, list | tuple):
        return [restore_recorded_names(item) for item in value]
    return RECORDED_NAMES.get(value, value) if isinstance(value, str) else value


def hash_config(cfg: Config) -> str:
    """First 16 hex digits of the SHA-256 of all that decides the trained weights."""
    training = {k: v for k, v in cfg.to_dict().items() if k not in _NOT_TRAINING}
    training['model'].pop('test_cfg', None)
    text = json.dumps(restore_recorded_names(training), sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
