"""Finding parts of a merged config, however deep they are nested."""

import re
from collections.abc import Iterator
from typing import Any

from mmengine.config import Config

__all__ = ['iter_datasets', 'iter_dicts', 'iter_metrics', 'iter_posed_datasets']

_DATASET_PLACE = re.compile(r'\.(dataset|datasets\.\d+)$')


def iter_dicts(node: Any, path: str = '') -> Iterator[tuple[str, dict]]:
    """Every dict at and below `node`, outer ones first -> (dotted config path, dict).

    Args:
        node: dicts, lists and tuples of anything.
        path: where `node` is in the config; '' for the config itself.
    """
    if isinstance(node, dict):
        yield path, node
        inner = list(node.items())
    elif isinstance(node, (list, tuple)):
        inner = list(enumerate(node))
    else:
        return
    for key, value in inner:
        yield from iter_dicts(value, f'{path}.{key}' if path else str(key))


def iter_datasets(cfg: Config, split: str) -> Iterator[tuple[str, dict]]:
    """A split's dataset and those that it wraps, outer ones first -> (path, dict)."""
    dataset = (cfg.get(f'{split}_dataloader') or {}).get('dataset')
    for path, node in iter_dicts(dataset, f'{split}_dataloader.dataset'):
        if 'ann_file' in node or _DATASET_PLACE.search(path):
            yield path, node


def iter_posed_datasets(cfg: Config, split: str) -> Iterator[tuple[str, dict]]:
    """A split's datasets whose joints reach the model -> (path, dict).

    A wrapper that names the joints itself (`CombinedDataset` with its `metainfo`) stands
    for what it wraps, since those datasets' joints are converted to its own.
    """
    wrapper = None
    for path, dataset in iter_datasets(cfg, split):
        if wrapper is not None and path.startswith(wrapper):
            continue
        if dataset.get('metainfo') or not {'dataset', 'datasets'} & {*dataset}:
            wrapper = f'{path}.'
            yield path, dataset


def iter_metrics(cfg: Config, split: str) -> Iterator[tuple[str, Any]]:
    """A split's metrics, those that an evaluator wraps too -> (path, metric)."""
    path = f'{split}_evaluator'
    metrics = cfg.get(path)
    if isinstance(metrics, dict) and 'metrics' in metrics:
        path, metrics = f'{path}.metrics', metrics['metrics']
    if isinstance(metrics, list):
        for index, metric in enumerate(metrics):
            yield f'{path}.{index}', metric
    elif metrics is not None:
        yield path, metrics
