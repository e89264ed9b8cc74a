"""A training step in a file: weights, batch, random states, model; and its replay.

A dump may come from a stranger. Its model is kept as data and not as a config's text,
which MMEngine would execute, and is built only from registered components: to a registry, a
`type` is otherwise the dotted name of any function that Python can import.
"""

import re
from typing import Any

import numpy as np
import torch
from mmengine.config import Config, ConfigDict
from mmengine.structures import BaseDataElement, InstanceData, PixelData
from mmpose.structures import PoseDataSample

from gm_pose.runs.resume.rng_state import preserve_rng, restore_rng
from gm_pose.runs.resume.wrapped_model import unwrap_model

__all__ = ['pack_loss_dump', 'replay_loss_dump']

_SCOPES = ('mmpose', 'mmdet', 'mmpretrain')
_FILE = re.compile(r'\.(py|json|ya?ml)$', re.IGNORECASE)
_KINDS = {kind.__name__: kind for kind in (InstanceData, PixelData, PoseDataSample)}


def pack_loss_dump(
    model: Any, cfg: Config, batch: dict | None, rng: dict | None
) -> dict[str, Any]:
    """A step before its forward pass -> dict that loads without running code.

    Args:
        model: the model, its weights as they are now.
        cfg: the run's config; its `model` is kept.
        batch: as the data loader gave it: ``inputs`` (B images, (3, h, w) each) and
            ``data_samples``.
        rng: what `capture_rng` gave before the forward pass.
    """
    state = unwrap_model(model).state_dict()
    weights = {name: value.cpu() for name, value in state.items()}
    return dict(
        meta=dict(model=_to_data(cfg.model), kind='gm_pose loss dump'),
        state_dict=weights,
        batch=_to_plain(batch),
        rng=rng,
    )


def replay_loss_dump(dump: dict[str, Any]) -> dict[str, float]:
    """Compute a dumped step's losses again, on the CPU -> name: value.

    Raises:
        ValueError: the dict is no dump of `pack_loss_dump`, or its model has a component
            that is not registered or would read a file.
    """
    from mmengine.registry import init_default_scope
    from mmpose.registry import MODELS

    meta = dump.get('meta')
    if not isinstance(meta, dict) or meta.get('kind') != 'gm_pose loss dump':
        raise ValueError(
            'this file is no loss dump. Fix: give a non_finite_loss_iter_N.pth'
        )
    if not isinstance(meta.get('model'), dict):
        raise ValueError(
            'this loss dump holds a config as text, which would be executed. Fix: '
            'dump the step again with this version'
        )
    _check_harmless(meta['model'], 'model')
    init_default_scope('mmpose')
    with preserve_rng():
        model = MODELS.build(ConfigDict(meta['model']))
        model.load_state_dict(dump['state_dict'])
        model.train()
        if dump['rng'] is not None:
            restore_rng({k: v for k, v in dump['rng'].items() if k != 'cuda'})
        with torch.no_grad():
            data = model.data_preprocessor(_from_plain(dump['batch']), True)
            losses = model(**data, mode='loss')
    return {
        name: float(value.mean() if torch.is_tensor(value) else value)
        for name, value in losses.items()
    }


def _to_data(value: Any) -> Any:
    """Part of a config -> dicts, lists, tuples, strings, numbers.

    Without `init_cfg`: the weights are in the dump.
    """
    if isinstance(value, dict):
        return {str(k): _to_data(v) for k, v in value.items() if k != 'init_cfg'}
    if isinstance(value, (list, tuple)):
        items = [_to_data(item) for item in value]
        return tuple(items) if isinstance(value, tuple) else items
    if isinstance(value, (np.ndarray, np.generic)):
        return value.tolist()
    if value is None or isinstance(value, (bool, int, float, str, torch.Tensor)):
        return value
    return getattr(value, '__name__', str(value))


def _check_harmless(value: Any, place: str) -> None:
    """Raise ValueError if building `value` could run or read what is not gm_pose's.

    Every `type` must be a registered name, and no string may name a config file.
    """
    if isinstance(value, dict):
        for key, item in value.items():
            _check_harmless(item, f'{place}.{key}')
        if 'type' in value and not _is_registered(value['type']):
            raise ValueError(
                f'the loss dump is refused: {place}.type={value["type"]!r} is not '
                'registered. Fix: if it is yours, import its module before '
                'gm_pose.runs.resume.loss_dump.replay_loss_dump'
            )
        if value.get('_scope_', 'mmpose') not in _SCOPES:
            raise ValueError(
                f'the loss dump is refused: {place}._scope_={value["_scope_"]!r} is none '
                f'of {_SCOPES}'
            )
    elif isinstance(value, (list, tuple)):
        for index, item in enumerate(value):
            _check_harmless(item, f'{place}.{index}')
    elif isinstance(value, str) and _FILE.search(value):
        raise ValueError(
            f'the loss dump is refused: {place}={value!r} names a config file, which '
            'would be executed. Fix: build the model without it and dump the step again'
        )


def _is_registered(name: Any) -> bool:
    """Whether MMPose's registries of models and codecs hold `name`."""
    from mmpose.registry import KEYPOINT_CODECS, MODELS

    if not isinstance(name, str):
        return False
    scope, _, bare = name.rpartition('.')
    if scope and scope not in _SCOPES:
        return False
    for registry in (MODELS, KEYPOINT_CODECS):
        registry.import_from_location()
        nodes = [registry, registry.root, *registry.root.children.values()]
        for node in nodes if not scope else nodes[2:]:
            if bare in node.module_dict and scope in ('', node.scope):
                return True
    return False


def _to_plain(value: Any) -> Any:
    """Data elements -> dicts that name their kind, so that loading is safe."""
    if isinstance(value, BaseDataElement):
        return dict(
            __kind__=type(value).__name__,
            metainfo={key: _to_plain(item) for key, item in value.metainfo_items()},
            data={key: _to_plain(item) for key, item in value.items()},
        )
    if isinstance(value, dict):
        return {key: _to_plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_to_plain(item) for item in value]
    return value


def _from_plain(value: Any) -> Any:
    if isinstance(value, dict) and '__kind__' in value:
        element = _KINDS[value['__kind__']](metainfo=_from_plain(value['metainfo']))
        for key, item in value['data'].items():
            item = _from_plain(item)
            if isinstance(element, PixelData):
                element.set_data({key: item})
            else:
                setattr(element, key, item)
        return element
    if isinstance(value, dict):
        return {key: _from_plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_from_plain(item) for item in value]
    return value
